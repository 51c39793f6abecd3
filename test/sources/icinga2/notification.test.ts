import { describe, expect, it } from 'vitest';
import type { IncomingEvent } from '../../../src/model/event.ts';
import source from '../../../src/sources/icinga2/index.ts';
import { captured, foldEvents } from '../captured.ts';
import { alertsOf, delivery, take } from '../helpers.ts';

/** What Icinga 2.13.6 put into its macros, captured as JSON, in a form as the script sends it. */
function of(file: string): IncomingEvent[] {
  const given = captured(`icinga2/notification-${file}`);
  const { last_state_change, ...fields } = JSON.parse(given.body.toString());
  const form = new URLSearchParams({ last_change: String(last_state_change ?? '') });
  for (const [name, value] of Object.entries(fields)) if (value !== null) form.set(name, String(value));
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return take(source, { ...delivery(form.toString(), headers), at: given.at }, {}).events;
}

describe('what Icinga 2 really sent', () => {
  it('a problem, its acknowledgement, a milder state and a recovery are one episode', () => {
    const { effects, alert } = foldEvents(['problem', 'acknowledgement', 'recovery'].flatMap(of));
    expect(effects).toEqual(['opened', 'acknowledged', 'notice', 'resolved']);
    expect(alert).toMatchObject({ fingerprint: 'web-1!disk', acknowledgedBy: 'alice', state: 'resolved' });
    expect(of('acknowledgement')[1]?.title).toBe('web-1 disk: ACKNOWLEDGEMENT by alice: on it "now"');
    expect(of('problem')).toMatchObject([
      {
        severity: 'critical',
        annotations: { description: 'DISK CRITICAL - "quoted" C:\\Users\\x <b>&amp; größe\nline two' },
        startsAt: 1_795_882_590_000,
      },
    ]);
    expect(alertsOf(of('problem-warning'))[0]).toMatchObject({ state: 'firing', severity: 'warning' });
  });

  it('a problem that was soft first starts with its soft state, and opens after the recovery before it', () => {
    expect(of('problem-hard-after-soft')).toMatchObject([{ startsAt: 1_795_882_602_000, newsAt: 1_795_882_603_000 }]);
    const files = ['problem', 'recovery', 'problem-hard-after-soft', 'recovery'];
    expect(foldEvents(files.flatMap(of))).toMatchObject({
      effects: ['opened', 'resolved', 'opened', 'stale'],
      alert: { episode: 2, state: 'firing' },
    });
  });

  it('a host that is down and up again, without the time', () => {
    expect(of('host-down')).toMatchObject([{ fingerprint: 'web-1', title: 'web-1 is DOWN', severity: 'critical' }]);
    expect(foldEvents(['host-down', 'host-up'].flatMap(of)).effects).toEqual(['opened', 'resolved']);
  });

  it('a form of its own, encoded by curl', () => {
    const { events } = take(source, captured('icinga2/notification-form'), {});
    expect(events).toMatchObject([
      { annotations: { description: 'DISK CRITICAL - "quoted" C:\\Users\\x <b>&amp; größe\nline two' } },
    ]);
  });
});
