import type { IANAZone } from 'luxon';
import { timeOf } from '../../../model/incoming.ts';
import { readStructured, type Structured } from './structured.ts';
import { readOldTime } from './time.ts';

/** A syslog message. What it does not say is the empty text. */
export interface Message {
  /** 0 to 23, and 0 (emerg) to 7 (debug). */
  facility: number;
  severity: number;
  /** Milliseconds since the epoch; null when it does not say it. */
  at: number | null;
  host: string;
  app: string;
  procid: string;
  msgid: string;
  structured: Structured;
  message: string;
  /** Which of the two forms it has; `none` for a line without a priority. */
  form: 'rfc5424' | 'rfc3164' | 'none';
}

/** The longest names: RFC 5424 allows 255, 48, 128 and 32 characters. What is longer is no header. */
const header = /^(\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) /;
/** `app[123]: ` or `app: `; what follows a tag is the message. */
const tag = /^([^\s:[\]]{1,128})(?:\[([^\]\s]{0,128})\])?:(?: |$)/;

/**
 * A byte order mark says that the message is UTF-8 (RFC 5424, 6.4), and is no part of it. RSYSLOG_SyslogProtocol23Format of rsyslog 8.2302 puts
 * a second space before messages that it got in the old form.
 */
const beforeText = /^ ?\ufeff?/;

/** user.notice is what RFC 3164, 4.3.3, gives to a message without a priority. */
const withoutPriority = 13;

/**
 * Reads a message of RFC 5424 or RFC 3164. Whatever it is, it is a message: what has none of the two forms is its text. `arrival` and
 * `zone` are for times without a year and an offset.
 */
export function readMessage(text: string, arrival: number, zone: IANAZone): Message {
  const priority = /^<(\d{1,3})>/.exec(text);
  const number = Number(priority?.[1] ?? Number.NaN);
  if (priority === null || number > 191) return { ...plain(withoutPriority), message: text, form: 'none' };
  const rest = text.slice(priority[0].length);
  if (rest.startsWith('1 ')) {
    const message = readNew(rest.slice(2), number);
    if (message !== null) return message;
  }
  return readOld(rest, number, arrival, zone);
}

function plain(priority: number): Omit<Message, 'message' | 'form'> {
  return {
    facility: priority >> 3,
    severity: priority & 7,
    at: null,
    host: '',
    app: '',
    procid: '',
    msgid: '',
    structured: {},
  };
}

function readNew(rest: string, priority: number): Message | null {
  const found = header.exec(rest);
  if (found === null) return null;
  const [all, time = '', host, app, procid, msgid] = found;
  const at = time === '-' ? null : timeOf(time);
  if (time !== '-' && at === null) return null;
  const { structured, text } = readStructured(rest.slice(all.length));
  return {
    ...plain(priority),
    at,
    host: given(host),
    app: given(app),
    procid: given(procid),
    msgid: given(msgid),
    structured,
    message: text.replace(beforeText, ''),
    form: 'rfc5424',
  };
}

function given(value = ''): string {
  return value === '-' ? '' : value;
}

function readOld(rest: string, priority: number, arrival: number, zone: IANAZone): Message {
  const time = readOldTime(rest, arrival, zone);
  const behind = time === null ? rest : rest.slice(time.length);
  const host = time === null || tag.test(behind) ? null : /^(\S{1,255}) /.exec(behind);
  const body = host === null ? behind : behind.slice(host[0].length);
  const found = tag.exec(body);
  return {
    ...plain(priority),
    at: time?.at ?? null,
    host: host?.[1] ?? '',
    app: found?.[1] ?? '',
    procid: found?.[2] ?? '',
    message: found === null ? body : body.slice(found[0].length),
    form: 'rfc3164',
  };
}
