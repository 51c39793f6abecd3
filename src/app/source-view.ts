import { stringify } from 'yaml';
import { redactText } from '../kernel/redact/redact.ts';
import type { ConfiguredSource } from '../ports/catalogue.ts';
import type { SourceDetail, SourceView } from '../ports/chat.ts';
import { defaultMaxBody, takesAnybody } from '../ports/source.ts';
import { setupSteps } from '../ports/source-setup.ts';
import type { Base } from './base.ts';
import { maskOptions } from './secrets.ts';

type Parts = Pick<Base, 'catalogue' | 'refused' | 'address' | 'hidden'>;

/** The sources of tocsin.yaml, in its order. */
export function sourcesOf({ catalogue, refused }: Pick<Parts, 'catalogue' | 'refused'>): SourceView[] {
  const troubles = refused.troubles();
  return [...catalogue.current().sources.values()].map(source => viewOf(source, troubles));
}

function viewOf(source: ConfiguredSource, troubles: Readonly<Record<string, string>>): SourceView {
  const { name, driver } = source;
  const takes = driver.prove !== undefined;
  const hears = takes || driver.takesProven !== undefined || driver.proven !== undefined;
  return {
    name,
    type: driver.id,
    about: driver.about,
    maxBody: takes ? (driver.maxBody ?? defaultMaxBody) : null,
    proof: hears ? !takesAnybody(source) : null,
    trouble: troubles[name] ?? null,
  };
}

/** One source: what to do at its sender, and its options without secrets. Null when there is none of this name. */
export function sourceOf(wanted: string, { catalogue, refused, address, hidden }: Parts): SourceDetail | null {
  const set = catalogue.current();
  const source = set.sources.get(wanted);
  if (source === undefined) return null;
  const { name, driver } = source;
  const url = driver.prove !== undefined ? `${address.url}/events/${name}` : null;
  const words = {
    url: url ?? '',
    name,
    variable: 'the variable of its secret in tocsin.yaml',
    secret: '<its secret>',
  };
  const given = stringify(maskOptions(set.config.sources[name] ?? {}), { lineWidth: 0 });
  return {
    ...viewOf(source, refused.troubles()),
    url,
    steps: driver.setup === undefined ? [] : setupSteps(driver.setup, words),
    page: driver.setup?.page ?? null,
    options: redactText(given, hidden()).trim(),
  };
}
