/** The names of time zones that files and expressions may use: those of the IANA list, which know their clock changes. */
import { z } from 'zod';
import { nearest } from './nearest.ts';

/** Why a text is no time zone. `message` is a sentence without the name; `nearest` is the name that was probably meant. */
export interface ZoneFault {
  message: string;
  allowed: string;
  nearest: string | null;
}

/** The areas of the IANA list; what else Intl takes before a slash is of other lists. */
const areas =
  /^(africa|america|antarctica|arctic|asia|atlantic|australia|brazil|canada|chile|etc|europe|indian|mexico|pacific|us)\//i;

/**
 * The names of the IANA list without an area: the links of tzdata's file `backward` (release 2025b; in `tzdata.zi` the lines `L`), without
 * EST, MST, HST and Factory. `Intl.supportedValuesOf` leaves links out, and what Intl takes beside them is no zone of the list.
 */
const alone = new Set(
  'UTC GMT UCT GMT0 GMT+0 GMT-0 CET CST6CDT EET EST5EDT MET MST7MDT PST8PDT WET Universal Zulu Greenwich Cuba Egypt Eire GB GB-Eire Hongkong Iceland Iran Israel Jamaica Japan Kwajalein Libya NZ NZ-CHAT Navajo PRC Poland Portugal ROC ROK Singapore Turkey W-SU'
    .toUpperCase()
    .split(' '),
);

/** Names of the IANA list, for a place without clock changes: whoever writes one of them mostly means a region that has some. */
const still: Readonly<Record<string, { place: string; offset: string; meant: string }>> = {
  EST: { place: 'America/Panama', offset: 'Etc/GMT+5', meant: 'America/New_York' },
  MST: { place: 'America/Phoenix', offset: 'Etc/GMT+7', meant: 'America/Denver' },
  HST: { place: 'Pacific/Honolulu', offset: 'Etc/GMT+10', meant: 'Pacific/Honolulu' },
};

/** Abbreviations name an offset, not a place: they know no clock change, and several countries share most of them. */
const abbreviations: Readonly<Record<string, string>> = {
  ...meaning('Europe/London', 'BST'),
  ...meaning('Europe/Berlin', 'CEST MEST'),
  ...meaning('Europe/Helsinki', 'EEST'),
  ...meaning('Europe/Lisbon', 'WEST'),
  ...meaning('Europe/Moscow', 'MSK'),
  ...meaning('America/New_York', 'EDT ET'),
  ...meaning('America/Chicago', 'CST CDT CT'),
  ...meaning('America/Denver', 'MDT MT'),
  ...meaning('America/Los_Angeles', 'PST PDT PT'),
  ...meaning('America/Anchorage', 'AKST AKDT AST AST9ADT'),
  ...meaning('America/Halifax', 'ADT'),
  ...meaning('America/St_Johns', 'NST NDT CNT'),
  ...meaning('America/Sao_Paulo', 'BRT BRST BET'),
  ...meaning('America/Argentina/Buenos_Aires', 'ART AGT'),
  ...meaning('Asia/Kolkata', 'IST'),
  ...meaning('Asia/Tokyo', 'JST'),
  ...meaning('Asia/Seoul', 'KST'),
  ...meaning('Asia/Singapore', 'SGT'),
  ...meaning('Asia/Hong_Kong', 'HKT'),
  ...meaning('Asia/Shanghai', 'CTT'),
  ...meaning('Asia/Dubai', 'GST'),
  ...meaning('Australia/Sydney', 'AEST AEDT AET'),
  ...meaning('Australia/Adelaide', 'ACST ACDT'),
  ...meaning('Australia/Darwin', 'ACT'),
  ...meaning('Australia/Perth', 'AWST'),
  ...meaning('Pacific/Auckland', 'NZST NZDT'),
  ...meaning('Africa/Johannesburg', 'SAST'),
  ...meaning('Africa/Nairobi', 'EAT'),
  ...meaning('Africa/Harare', 'CAT'),
  ...meaning('Africa/Lagos', 'WAT'),
  ...meaning('UTC', 'Z'),
};

function meaning(name: string, short: string): Record<string, string> {
  return Object.fromEntries(short.split(' ').map(one => [one, name]));
}

const allowed = 'a name of the IANA list such as Europe/London, or UTC';

/** Null for a name of the IANA list (in any case, as Intl reads it); else why it is none, or none that says what is meant. */
export function zoneFault(text: string): ZoneFault | null {
  const upper = text.toUpperCase();
  if ((alone.has(upper) || areas.test(text)) && isKnown(text)) return null;
  const fixed = still[upper];
  if (fixed !== undefined)
    return {
      message: `is ${fixed.place} in the IANA list, which knows no clock change`,
      allowed: `the name of the place, or ${fixed.offset} for the offset`,
      nearest: fixed.meant,
    };
  const offset = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?$/.exec(upper);
  if (offset !== null)
    return { message: 'is an offset, which knows no clock change', allowed, nearest: fixedZone(offset) };
  const place = abbreviations[upper];
  if (place !== undefined)
    return { message: 'is an abbreviation, which knows no clock change or means several', allowed, nearest: place };
  return { message: 'is not a time zone of the IANA list', allowed, nearest: nearestZone(text) };
}

/** Schema of the name of a time zone in a file. */
export const zoneName = z.string().superRefine((text, ctx) => {
  const fault = zoneFault(text);
  if (fault === null) return;
  const { message, ...params } = fault;
  ctx.addIssue({ code: 'custom', message: `"${text}" ${message}`, params });
});

/** Throws an Error that says why the text is no time zone, what is allowed, and the nearest name. */
export function checkZone(text: string): void {
  const fault = zoneFault(text);
  if (fault === null) return;
  const meant = fault.nearest === null ? '' : `; did you mean "${fault.nearest}"?`;
  throw new Error(`"${text}" ${fault.message}; write ${fault.allowed}${meant}`);
}

const known = new Map<string, boolean>();

function isKnown(text: string): boolean {
  const found = known.get(text);
  if (found !== undefined) return found;
  let ok = true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
  } catch {
    ok = false;
  }
  // The names come from files and policies; the bound is against names that an event could bring.
  if (known.size < 1000) known.set(text, ok);
  return ok;
}

/** The name of the same offset; in the area Etc the sign is turned round. Null when it is no whole number of hours. */
function fixedZone([, sign, hours, minutes = '00']: RegExpExecArray): string | null {
  const count = Number(hours);
  if (count === 0 && minutes === '00') return 'UTC';
  const name = `Etc/GMT${sign === '+' ? '-' : '+'}${count}`;
  return minutes === '00' && isKnown(name) ? name : null;
}

let names: readonly string[] | null = null;

/** By the whole name, or by its last part: "Berlin" and "london" are places. */
function nearestZone(text: string): string | null {
  names ??= [...Intl.supportedValuesOf('timeZone'), 'UTC'];
  const tidy = text.trim().replace(/\s+/g, '_');
  const exact = names.find(name => name.toUpperCase() === tidy.toUpperCase());
  if (exact !== undefined) return exact;
  const places = new Map(names.map(name => [name.slice(name.lastIndexOf('/') + 1), name]));
  if (!tidy.includes('/')) {
    const place = nearest(tidy, places.keys());
    return place === null ? null : (places.get(place) ?? null);
  }
  return nearest(tidy, names);
}
