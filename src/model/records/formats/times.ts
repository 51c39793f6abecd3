import { timeOf } from '../../incoming.ts';

const months = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** `20/Nov/2025:09:00:38 +0000` as milliseconds since the epoch; null for any other text. */
export function bracketTime(text: string | undefined): number | null {
  const found = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})$/.exec(text ?? '');
  if (found === null) return null;
  const [, day, month = '', year, time, zone] = found;
  const at = months.indexOf(month);
  if (at < 0 || at % 3 !== 0) return null;
  return timeOf(`${year}-${String(at / 3 + 1).padStart(2, '0')}-${day}T${time}${zone}`);
}

/** RFC 3339, also without a zone, which is UTC then. */
export function utcTime(text: string | undefined): number | null {
  if (text === undefined) return null;
  return timeOf(text) ?? timeOf(`${text}Z`);
}
