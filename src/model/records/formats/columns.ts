import type { Json } from '../../../kernel/canonical.ts';
import type { FieldType, LogRecord, RecordSink } from '../types.ts';
import { faultOf } from './lines.ts';

/** A column of a line, or a part of one: of `192.0.2.1:443` the address or the port. */
export interface Column {
  name: string;
  type: FieldType;
  at: number;
  part?: 'host' | 'port';
}

/** How the columns of a line are told apart. `quoted`: a column may be in quotes or brackets, and has blanks in it then. */
export interface Layout {
  separator: ' ' | '\t';
  quoted: boolean;
  columns: readonly Column[];
  /** How many columns a line has: between these. */
  least: number;
  most: number;
  /** When it happened, milliseconds since the epoch. */
  at(record: ColumnRecord): number | null;
}

/** The name of a column as CEL can read it: `cs(User-Agent)` becomes cs_user_agent, `account-id` account_id. */
export function memberName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
}

/** Columns in order, by their names; `name:int` gives a type, `client:host` makes client, client_ip and client_port. */
export function columnsOf(names: readonly string[]): Column[] {
  return names.flatMap((given, at): Column[] => {
    const [name = '', kind = 'string'] = given.split(':');
    const type = kind === 'int' || kind === 'double' ? kind : 'string';
    if (kind !== 'host') return [{ name, type, at }];
    return [
      { name, type: 'string', at },
      { name: `${name}_ip`, type: 'string', at, part: 'host' },
      { name: `${name}_port`, type: 'int', at, part: 'port' },
    ];
  });
}

export function fieldsOf(columns: readonly Column[]): Record<string, FieldType> {
  return Object.fromEntries(columns.map(({ name, type }) => [name, type]));
}

/** Most columns of a line that are looked at. */
const mostColumns = 128;

/** A line of columns as a record; one object for all lines. A column that is `-` is not there. */
export class ColumnRecord implements LogRecord {
  #layout: Layout;
  #byName: Map<string, Column>;
  #line = '';
  #count = 0;
  readonly #starts = new Int32Array(mostColumns + 1);
  readonly #ends = new Int32Array(mostColumns + 1);

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#byName = byName(layout);
  }

  set layout(layout: Layout) {
    this.#layout = layout;
    this.#byName = byName(layout);
  }

  /** Takes the next line. False when it has another number of columns. */
  take(line: string): boolean {
    this.#line = line;
    this.#count = this.#layout.quoted ? this.#cutQuoted(line) : this.#cut(line);
    return this.#count >= this.#layout.least && this.#count <= this.#layout.most;
  }

  #cut(line: string): number {
    const starts = this.#starts;
    const ends = this.#ends;
    const { separator, most } = this.#layout;
    let count = 0;
    let from = 0;
    for (;;) {
      const end = line.indexOf(separator, from);
      starts[count] = from;
      ends[count] = end < 0 ? line.length : end;
      count += 1;
      if (end < 0 || count > most) return count;
      from = end + 1;
    }
  }

  #cutQuoted(line: string): number {
    let count = 0;
    for (let from = 0; from < line.length && count < mostColumns; count += 1) {
      const code = line.charCodeAt(from);
      const close = code === 34 ? '"' : code === 91 ? ']' : '';
      const open = close === '' ? from : from + 1;
      const end = close === '' ? line.indexOf(' ', from) : closing(line, open, close);
      const stop = end < 0 ? line.length : end;
      this.#starts[count] = open;
      this.#ends[count] = stop;
      from = stop + (close === '' ? 1 : 2);
    }
    return count;
  }

  /** The text of a column; undefined when it is `-` or not there. */
  column(at: number): string | undefined {
    if (at >= this.#count) return undefined;
    const start = this.#starts[at] ?? 0;
    const end = this.#ends[at] ?? 0;
    if (end - start === 1 && this.#line.charCodeAt(start) === 45) return undefined;
    return this.#line.slice(start, end);
  }

  get(name: string): Json | undefined {
    const column = this.#byName.get(name);
    if (column === undefined) return undefined;
    const whole = this.column(column.at);
    if (whole === undefined) return undefined;
    const text = column.part === undefined ? whole : partOf(whole, column.part);
    if (column.type === 'string' || text === undefined) return text;
    const number = text === '' ? Number.NaN : Number(text);
    return Number.isFinite(number) ? number : undefined;
  }

  names(): readonly string[] {
    return this.#layout.columns.map(({ name }) => name).filter(name => this.get(name) !== undefined);
  }

  at(): number | null {
    return this.#layout.at(this);
  }

  text(): string {
    return this.#line;
  }
}

function byName({ columns }: Layout): Map<string, Column> {
  return new Map(columns.map(column => [column.name, column]));
}

/** Behind a closing sign stands a blank or nothing: what a client sent may have quotes in it. */
function closing(line: string, from: number, sign: string): number {
  for (let end = line.indexOf(sign, from); end >= 0; end = line.indexOf(sign, end + 1)) {
    const next = line.charCodeAt(end + 1);
    if (next === 32 || Number.isNaN(next)) return end;
  }
  return -1;
}

function partOf(text: string, part: 'host' | 'port'): string | undefined {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return part === 'host' ? text : undefined;
  return part === 'host' ? text.slice(0, colon).replace(/^\[|\]$/g, '') : text.slice(colon + 1);
}

/** Gives lines to a sink as records of columns. `header` may take a line that names columns, and answer with another layout. */
export function columnLines(
  sink: RecordSink,
  layout: Layout,
  header: (line: string) => Layout | 'skip' | null = () => null,
): { line(text: string): void; long(beginning: string): void } {
  const record = new ColumnRecord(layout);
  let place = 0;
  return {
    line(text) {
      const found = header(text);
      if (found !== null) {
        if (found !== 'skip') record.layout = found;
        return;
      }
      place += 1;
      if (record.take(text)) sink.record(record, place);
      else sink.fault(faultOf('another-number-of-columns', text), place);
    },
    long(beginning) {
      place += 1;
      sink.fault(faultOf('too-long', beginning), place);
    },
  };
}
