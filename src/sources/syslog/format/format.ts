import { isUtf8 } from 'node:buffer';
import { IANAZone } from 'luxon';
import type { Json } from '../../../kernel/canonical.ts';
import { formats, type LogRecord, type RecordFormat } from '../../../model/records/records.ts';
import { type Message, readMessage } from './message.ts';
import { type Packet, readPackets } from './packet.ts';

/** By number. Source: RFC 5424, 6.2.1; the names are those of syslog.conf(5), and of RFC 5424's list for 12 to 15. */
const facilities =
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  );
const severities = 'emerg alert crit err warning notice info debug'.split(' ');

export interface FormatGiven {
  /** The zone of times without an offset. */
  timezone: string;
  /** How the message itself is read. */
  message?: { format: string; pattern?: string | undefined; time?: string | undefined } | undefined;
}

/** The members of a record. Those of the message itself are under `data`. */
const fields = {
  facility: 'string',
  severity: 'string',
  level: 'int',
  host: 'string',
  app: 'string',
  procid: 'string',
  msgid: 'string',
  message: 'string',
  structured: 'dyn',
  data: 'dyn',
  peer: 'string',
  client: 'string',
  transport: 'string',
  form: 'string',
  cut: 'bool',
} as const;

class SyslogRecord implements LogRecord {
  readonly #packet: Packet;
  readonly #text: string;
  readonly #message: Message;
  readonly #inner: LogRecord | null;

  constructor(packet: Packet, text: string, message: Message, inner: LogRecord | null) {
    this.#packet = packet;
    this.#text = text;
    this.#message = message;
    this.#inner = inner;
  }
  get(name: string): Json | undefined {
    const message = this.#message;
    if (name === 'facility') return facilities[message.facility];
    if (name === 'severity') return severities[message.severity];
    if (name === 'level') return message.severity;
    if (name === 'data') return this.#data();
    if (name === 'peer' || name === 'client' || name === 'transport' || name === 'cut') return this.#packet[name];
    return Object.hasOwn(fields, name) ? (message[name as keyof Message] ?? undefined) : undefined;
  }
  names(): readonly string[] {
    return Object.keys(fields);
  }
  at(): number | null {
    return this.#message.at ?? this.#inner?.at() ?? null;
  }
  text(): string {
    return this.#text;
  }
  #data(): Json {
    const inner = this.#inner;
    if (inner === null) return {};
    return Object.fromEntries(
      inner.names().flatMap(name => {
        const value = inner.get(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }
}

/** The format of the bytes that the listener makes of messages: see packet.ts. `data` is read when a rule asks for a message's record. */
export function syslogFormat({ timezone, message: given }: FormatGiven): RecordFormat {
  const zone = IANAZone.create(timezone);
  return {
    id: 'syslog',
    about: 'Messages of RFC 5424 and RFC 3164.',
    fields,
    examples: [],
    open(sink) {
      const inner = given === undefined ? null : openInner(given);
      let place = 0;
      const read = readPackets(packet => {
        place += 1;
        const text = decode(packet.bytes);
        const message = readMessage(text, packet.at, zone);
        sink.record(new SyslogRecord(packet, text, message, inner?.(message.message) ?? null), place);
      });
      return { read, end() {} };
    },
  };
}

/** Bytes that are no UTF-8 are those of Latin-1: every byte is a letter there, so none is lost. */
function decode(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}

/** Reads a message by another format; null when it is no record of it. */
function openInner({ format, ...options }: NonNullable<FormatGiven['message']>): (text: string) => LogRecord | null {
  const known = formats[format];
  if (known === undefined) throw new Error(`there is no format "${format}"`);
  return text => {
    let found: LogRecord | null = null;
    const sink = {
      record(record: LogRecord) {
        found ??= record;
      },
      fault() {},
    };
    const reader = known.open(sink, options);
    // A line end within a message would make two lines of it.
    reader.read(Buffer.from(format === 'json' ? withoutCookie(text) : text.replace(/[\r\n]+/g, ' ')));
    reader.end();
    return found;
  };
}

/** JSON in syslog begins with `@cee:` for programs that follow CEE. Source: rsyslog's documentation of mmjsonparse. */
function withoutCookie(text: string): string {
  return text.replace(/^\s*@cee:/, '');
}
