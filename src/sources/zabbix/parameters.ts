import { DateTime } from 'luxon';
import { isMap, plainText } from '../../model/incoming.ts';

/** The parameters that are read, as deploy/zabbix/media-tocsin.yaml names them. */
export const parameterNames = [
  'alert_subject',
  'event_date',
  'event_id',
  'event_name',
  'event_nseverity',
  'event_opdata',
  'event_recovery_date',
  'event_recovery_time',
  'event_recovery_timestamp',
  'event_severity',
  'event_source',
  'event_tagsjson',
  'event_time',
  'event_timestamp',
  'event_update_action',
  'event_update_date',
  'event_update_message',
  'event_update_status',
  'event_update_time',
  'event_update_timestamp',
  'event_value',
  'host_name',
  'trigger_description',
  'trigger_id',
  'trigger_url',
  'user_fullname',
] as const;
type Name = (typeof parameterNames)[number];

/** The parameters of one message. Zabbix sends every value as a text. */
export class Parameters {
  readonly #given: Readonly<Record<string, unknown>>;

  constructor(given: Readonly<Record<string, unknown>>) {
    this.#given = given;
  }

  /**
   * The text of a parameter; null when it has none. Zabbix 6.0 leaves a macro without a value as it stands (`{EVENT.UPDATE.ACTION}`), and
   * writes `*UNKNOWN*` for what it cannot find.
   */
  text(name: Name): string | null {
    const text = plainText(this.#given[name])?.trim() ?? '';
    return text === '' || text === '*UNKNOWN*' || /^\{[$#A-Z][^{}]*\}$/.test(text) ? null : text;
  }

  has(name: Name): boolean {
    return plainText(this.#given[name]) !== null;
  }

  /**
   * A time of the event, milliseconds since the epoch: its timestamp where Zabbix fills it in, else date and time in this zone; null when
   * neither can be read.
   */
  time(which: 'event' | 'event_recovery' | 'event_update', zone: string | undefined): number | null {
    const stamp = this.text(`${which}_timestamp`);
    if (stamp !== null && /^\d{9,11}$/.test(stamp)) return Number(stamp) * 1000;
    const [date, time] = [this.text(`${which}_date`), this.text(`${which}_time`)];
    if (zone === undefined || date === null || time === null) return null;
    const local = DateTime.fromFormat(`${date} ${time}`, 'yyyy.MM.dd HH:mm:ss', { zone });
    return local.isValid ? local.toMillis() : null;
  }

  /** The tags by their names: several values of one name behind commas. Null when they cannot be read. */
  tags(): Record<string, string> | null {
    const list = parsed(this.#given['event_tagsjson']);
    if (!Array.isArray(list)) return this.text('event_tagsjson') === null ? {} : null;
    const tags: Record<string, string> = Object.create(null);
    for (const one of list) {
      const [tag, value] = isMap(one) ? [plainText(one['tag']), plainText(one['value'])] : [null, null];
      if (tag === null || tag === '' || tag === '__proto__') return null;
      tags[tag] = tags[tag] === undefined ? (value ?? '') : `${tags[tag]}, ${value ?? ''}`;
    }
    return tags;
  }
}

function parsed(given: unknown): unknown {
  if (typeof given !== 'string') return given;
  try {
    return JSON.parse(given);
  } catch {
    return null;
  }
}
