import type { Json } from '../../../../src/kernel/canonical.ts';
import type { LogRecord, RecordFormat, SigmaOptions } from '../../../../src/model/records/records.ts';
import { formats } from '../../../../src/model/records/records.ts';

export type Fields = Readonly<Record<string, Json>>;

export function recordOf(fields: Fields): LogRecord {
  return {
    get: name => (Object.hasOwn(fields, name) ? fields[name] : undefined),
    names: () => Object.keys(fields),
    at: () => null,
    text: () => JSON.stringify(fields),
  };
}

export const json = formats['json'] as RecordFormat;

export const options = (more: Partial<SigmaOptions> = {}): SigmaOptions => ({
  files: ['./sigma'],
  logsources: [{ product: 'linux', service: 'sshd' }],
  fields: {},
  by: [],
  ...more,
});

export const rule = (detection: unknown, more: object = {}) => ({
  title: 'a rule',
  logsource: { product: 'linux' },
  detection,
  ...more,
});
