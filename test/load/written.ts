/** Scalars as people write them in YAML without quotes; every one must come through as it stands there, or be refused. */
export const written = [
  '1.10',
  '012',
  '1e3',
  '0x1F',
  '+5',
  '.5',
  '1_000',
  '0o17',
  '0b1',
  'yes',
  'on',
  'NO',
  'true',
  'True',
  'FALSE',
  '2026-01-31',
  '12:30:45',
  '12345678901234567890',
  '9007199254740993',
  '.inf',
  '.NaN',
  '-0',
  '1.0',
  '8080',
  '-7',
  '0.25',
  '1e400',
] as const;

/** Those that YAML reads as a number or boolean which is written otherwise: any JSON cannot hold them as they stand. */
export const inexact: ReadonlySet<string> = new Set([
  '1.10',
  '012',
  '1e3',
  '0x1F',
  '+5',
  '.5',
  '0o17',
  'True',
  'FALSE',
  '12345678901234567890',
  '9007199254740993',
  '.inf',
  '.NaN',
  '-0',
  '1.0',
  '1e400',
]);

/** Those that are a number or boolean and are written as JSON writes it. */
export const exact: Readonly<Record<string, number | boolean>> = { true: true, '8080': 8080, '-7': -7, '0.25': 0.25 };
