import { z } from 'zod';
import { zoneFault } from '../../kernel/zone.ts';

/** How one browser wants the pages: colours, and the zone of times. Kept in cookies, so that the first byte is right already. */
export interface Look {
  theme: 'auto' | 'light' | 'dark';
  /** `deployment` is the zone of tocsin.yaml, `mine` the browser's. */
  times: 'deployment' | 'mine' | 'utc';
  /** The zone of the browser, as its script told it; null until it did. */
  here: string | null;
}

export const standardLook: Look = { theme: 'auto', times: 'deployment', here: null };

const zone = z
  .string()
  .max(64)
  .refine(text => zoneFault(text) === null);

/** What was chosen, from cookies or from the fields of the form. What is not one of the choices is as if nothing was chosen. */
const chosen = z.object({
  theme: z.enum(['auto', 'light', 'dark']).catch(standardLook.theme),
  times: z.enum(['deployment', 'mine', 'utc']).catch(standardLook.times),
  here: zone.nullable().catch(null),
});

/** The names of the cookies. */
export const lookCookies = { theme: 'tocsin_theme', times: 'tocsin_times', here: 'tocsin_here' } as const;

export function readLook(cookies: Readonly<Record<string, string | undefined>>): Look {
  const { theme, times, here } = lookCookies;
  return chosen.parse({ theme: cookies[theme], times: cookies[times], here: cookies[here] });
}

export function lookOfForm(form: Readonly<Record<string, string | undefined>>): Look {
  return chosen.parse(form);
}

/** The zone in which a page shows times; `own` is that of tocsin.yaml. */
export function zoneOfLook(look: Look, own: string): string {
  if (look.times === 'utc') return 'UTC';
  return look.times === 'mine' ? (look.here ?? own) : own;
}
