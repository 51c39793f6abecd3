import type { Json } from '../../kernel/canonical.ts';
import { lazyMap, makeScope, type Scope } from '../expression/expression.ts';
import type { LogRecord, RecordFormat } from './types.ts';

const made = new WeakMap<RecordFormat, Scope<LogRecord>>();

/** What expressions about records of the format may read: `record`, with the fields that the format documents, or any. */
export function scopeOf(format: RecordFormat): Scope<LogRecord> {
  const known = made.get(format);
  if (known !== undefined) return known;
  const { fields } = format;
  const ints = new Set(Object.entries(fields ?? {}).flatMap(([name, type]) => (type === 'int' ? [name] : [])));
  const read = (record: LogRecord, name: string): Json | bigint | undefined => {
    const value = record.get(name);
    return typeof value === 'number' && ints.has(name) && Number.isInteger(value) ? BigInt(value) : value;
  };
  const scope = makeScope<LogRecord>({
    name: `record of ${format.id}`,
    variables: { record: fields === null ? 'map<string, dyn>' : 'Record' },
    ...(fields === null ? { open: true } : { types: { Record: fields } }),
    bind: record => ({
      record: lazyMap(
        name => read(record, name),
        () => record.names(),
      ),
    }),
  });
  made.set(format, scope);
  return scope;
}
