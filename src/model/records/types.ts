import type { Json } from '../../kernel/canonical.ts';

/** The CEL types of the fields of a record. `dyn` for what may be anything, and for maps and lists. */
export type FieldType = 'string' | 'int' | 'double' | 'bool' | 'dyn';

/** One raw record as rules see it. It is valid until the reader takes the next one: a reader may use one object for all. */
export interface LogRecord {
  /** A member; undefined where it is not there. Numbers of a field of type `int` are whole. */
  get(name: string): Json | undefined;
  /** The names of the members that are there. */
  names(): readonly string[];
  /** When it happened, by the record itself, milliseconds since the epoch; null when it does not say it. */
  at(): number | null;
  /** The record as it was written. */
  text(): string;
}

/** Why a piece of the input is no record. `cause` is one of few words for a format: samples are kept by it. */
export interface RecordFault {
  cause: string;
  /** The input, cut. */
  sample: string;
}

/** What a reader calls for each record and for each piece that is none. */
export interface RecordSink {
  /** Counts from 1, records and faults alike: where it stands in the batch. */
  record(record: LogRecord, place: number): void;
  fault(fault: RecordFault, place: number): void;
}

/** Reads one batch. The pieces may end anywhere, also within a character. */
export interface RecordReader {
  read(piece: Buffer): void;
  /** Called once, after the last piece. */
  end(): void;
}

/** How raw bytes become records. */
export interface RecordFormat {
  id: string;
  /** One sentence, with the source of the facts. */
  about: string;
  /** The fields that the format documents; null when a record may have any. */
  fields: Readonly<Record<string, FieldType>> | null;
  examples: readonly FormatExample[];
  /** `options` are those of the source, of which `time` and `pattern` concern formats. */
  open(sink: RecordSink, options: FormatOptions): RecordReader;
}

export interface FormatOptions {
  /** The member with the time of a record, with dots between names; for formats without one of their own. */
  time?: string | undefined;
  /** The pattern of a line, for the format `pattern`. */
  pattern?: string | undefined;
}

export interface FormatExample {
  title: string;
  options?: FormatOptions;
  input: string;
  /** Members of the records, in order; `at` is ISO 8601. */
  records: readonly { at?: string | null; fields: Readonly<Record<string, Json | undefined>> }[];
  /** The causes of what is no record, in order. */
  faults?: readonly string[];
}
