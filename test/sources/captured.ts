import { type Alert, type Effect, effectOf, foldAlert } from '../../src/model/alert.ts';
import type { IncomingEvent } from '../../src/model/event.ts';
import type { Delivery } from '../../src/ports/source.ts';
import { payload } from './helpers.ts';

/** 2026-11-28T16:30:00Z, after everything was captured. */
export const arrival = Date.UTC(2026, 10, 28, 16, 30);

/** A captured request. Header names are lower case. */
export function captured(file: string): Delivery {
  const raw = payload(`captured/${file}.http`);
  const end = raw.indexOf('\r\n\r\n');
  const [, ...lines] = raw.toString('latin1', 0, end).split('\r\n');
  const headers = lines.map(line => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  return { headers: Object.fromEntries(headers), body: raw.subarray(end + 4), at: arrival };
}

/** What events do to their alert one after another, and the alert after them. A notice is its kind. */
export function foldEvents(events: readonly IncomingEvent[]): {
  effects: (Effect | 'notice' | 'tick' | 'change' | 'permit')[];
  alert: Alert;
} {
  let alert: Alert | null = null;
  const effects = events.map(body => {
    if (body.kind !== 'alert') return body.kind;
    const effect = effectOf(alert, body);
    alert = foldAlert(
      alert,
      { id: 'e', source: 's', receivedAt: arrival, raw: null, trusted: true, body },
      effect,
      'a',
    );
    return effect;
  });
  return { effects, alert: alert as unknown as Alert };
}
