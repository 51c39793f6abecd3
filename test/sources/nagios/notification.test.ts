import { describe, expect, it } from 'vitest';
import { type IncomingEvent, incomingEvent } from '../../../src/model/event.ts';
import { timingOf } from '../../../src/ports/source.ts';
import source from '../../../src/sources/nagios/index.ts';
import { captured, foldEvents } from '../captured.ts';
import { alertsOf, delivery, now, refusal, take } from '../helpers.ts';

const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
const plain = { type: 'PROBLEM', host: 'web-1', service: 'disk /', state: 'CRITICAL', time: '1795604403' };

const made = (more: Record<string, string>, options: object = {}) => {
  const body = new URLSearchParams({ ...plain, ...more }).toString();
  const taken = take(source, delivery(body, type), options);
  expect(taken.events.map(event => incomingEvent.parse(event))).toEqual(taken.events);
  return taken;
};
const one = (more: Record<string, string>, options?: object) => made(more, options).events[0] as IncomingEvent;

/** The names of the macros in the captured deliveries, which are JSON by hand, and those that the script gives them. */
const names: Record<string, string> = {
  long: 'long_output',
  laststatechange: 'last_change',
  notificationid: 'notification_id',
};

/** What Nagios 4.4.6 put into its macros, in a form as the script sends it: each byte of a value is encoded. */
function of(file: string): IncomingEvent[] {
  const given = captured(`nagios/${file}`);
  const fields: Record<string, unknown> = JSON.parse(given.body.toString('latin1').replaceAll('\\', '\\\\'));
  const body = Object.entries(fields)
    .map(([name, value]) => {
      const bytes = [...Buffer.from(String(value), 'latin1')];
      return `${names[name] ?? name}=${bytes.map(byte => `%${byte.toString(16).padStart(2, '0')}`).join('')}`;
    })
    .join('&');
  return take(source, { ...delivery(body, type), at: given.at }, {}).events;
}

describe('what Nagios really sent', () => {
  it('a problem, its acknowledgement and its recovery are one episode, and late news changes nothing', () => {
    const files = ['service-problem-multiline', 'service-acknowledgement', 'service-recovery-after-sticky-ack'];
    const { effects, alert } = foldEvents([...files, ...files].flatMap(of));
    expect(effects).toEqual([
      'opened',
      ...['acknowledged', 'notice'],
      'resolved',
      'stale',
      ...['stale', 'notice'],
      'stale',
    ]);
    expect(alert).toMatchObject({
      fingerprint: 'web-1!disk /',
      title: 'web-1 disk / is OK',
      state: 'resolved',
      acknowledgedBy: 'alice',
      resolvedAt: 1_795_882_228_000,
      episode: 1,
    });
    expect(of('service-acknowledgement')[1]?.title).toBe('web-1 disk /: ACKNOWLEDGEMENT by alice: looking at it  b');
  });

  it('a recovery that arrives after the next problem does not end it', () => {
    const [first, next] = [of('service-problem-backslash'), of('service-problem-multiline')];
    const { effects, alert } = foldEvents([...first, ...next, ...of('service-recovery')]);
    expect(effects).toEqual(['opened', 'refreshed', 'stale']);
    expect(alert.state).toBe('firing');
  });

  it('a host, whose recovery has no problem id', () => {
    expect(foldEvents([...of('host-problem'), ...of('host-recovery')])).toMatchObject({
      effects: ['opened', 'resolved'],
      alert: { fingerprint: 'web-1', title: 'web-1 is UP', labels: { host: 'web-1', address: '192.0.2.10' } },
    });
    expect(foldEvents([...of('host-recovery'), ...of('host-problem')]).effects).toEqual(['unseen', 'stale']);
    expect(of('host-problem')).toMatchObject([{ severity: 'critical', title: 'web-1 is DOWN' }]);
  });

  it('a problem that grows milder', () => {
    const { effects, alert } = foldEvents([
      ...of('service-problem-multiline'),
      ...of('service-problem-severity-changed'),
    ]);
    expect([effects, alert.severity]).toEqual([['opened', 'refreshed'], 'warning']);
  });

  it('downtimes and custom notifications: notices in the thread, with who and why', () => {
    const about = 'web-1!disk /';
    expect(of('service-custom')).toMatchObject([
      { kind: 'notice', about, title: 'web-1 disk /: CUSTOM by bob: custom note' },
    ]);
    expect(of('service-downtimestart')).toMatchObject([{ kind: 'notice', type: 'downtimestart', about }]);
    expect(of('service-downtimeend')).toMatchObject([{ kind: 'notice', type: 'downtimeend', about }]);
  });

  it('backslashes, UTF-8 and Latin-1 stay what they are, the two characters \\n too', () => {
    const textsOf = (file: string) => ({ ...alertsOf(of(file))[0]?.annotations });
    expect(textsOf('service-problem-latin1')['description']).toBe('UNKNOWN latin1 größetabctl');
    expect(textsOf('service-problem-backslash')).toMatchObject({
      description: 'DISK CRITICAL - quoted path C:\\temp',
      details: expect.stringContaining('größe 日本'),
    });
    expect(textsOf('service-problem-multiline')['details']).toBe('second line q\\nthird C:\\new \\n end');
    expect(textsOf('service-problem-invalid-json')['description']).toContain('C:\\U');
    const sent = take(source, captured('nagios/form-urlencoded'), {}).events;
    expect(sent).toMatchObject([{ annotations: { description: 'DISK CRITICAL - quoted path C:\\temp' } }]);
  });
});

describe('a notification', () => {
  it('that is the same in every word counts once; one without a time each time', () => {
    const ids = (more: Record<string, string>) => made(more).eventIds;
    const ack = { type: 'ACKNOWLEDGEMENT', author: 'alice', comment: 'on it' };
    expect(ids(ack)).toHaveLength(2);
    expect(new Set(ids(ack)).size).toBe(2);
    expect(ids(ack)).toEqual(ids(ack));
    const others: Record<string, string>[] = [
      { time: '1795604404' },
      { notification_id: '2' },
      { host: 'web-2' },
      { comment: 'gone' },
    ];
    for (const other of others) expect(ids({ ...ack, ...other })).not.toEqual(ids(ack));
    expect(ids({ time: '' })).toBeUndefined();
  });

  it('starts with the last change of state, and is news of its own time', () => {
    expect(one({ last_change: '1795604283' })).toMatchObject({
      startsAt: 1_795_604_283_000,
      newsAt: 1_795_604_403_000,
    });
    expect(one({ last_change: '0' })).toMatchObject({ startsAt: 1_795_604_403_000 });
    expect(one({ type: 'RECOVERY', last_change: '1795604283' })).toMatchObject({ endsAt: 1_795_604_403_000 });
    expect(one({ time: 'yesterday' })).toMatchObject({
      startsAt: now,
      labels: { tocsin_note: 'time is no time with a zone (yesterday); it is left out.' },
    });
  });

  it('of a soft state, or of a type that nobody knows, is a notice; an acknowledgement counts in any state', () => {
    for (const [type, state_type] of [
      ['PROBLEM', 'SOFT'],
      ['RECOVERY', 'soft'],
      ['SOMETHING', 'HARD'],
    ])
      expect(one({ type: type ?? '', state_type: state_type ?? '' })).toMatchObject({
        kind: 'notice',
        about: 'web-1!disk /',
      });
    expect(one({ type: 'ACKNOWLEDGEMENT', state_type: 'SOFT' })).toMatchObject({ state: 'acknowledged' });
    expect(one({ state_type: 'HARD' })).toMatchObject({ state: 'firing' });
  });

  it('has a severity by its state, which the options change', () => {
    const severityOf = (state: string, options?: object) => alertsOf(made({ state }, options).events)[0]?.severity;
    const states = ['DOWN', 'CRITICAL', 'UNREACHABLE', 'WARNING', 'UNKNOWN'];
    expect(states.map(state => severityOf(state))).toEqual(['critical', 'critical', 'error', 'warning', 'warning']);
    expect(severityOf('UNKNOWN', { severities: { unknown: 'info' } })).toBe('info');
  });

  it('has further labels, none of which replaces ours, and no macro that was not filled in', () => {
    expect(
      one({ 'label.env': 'prod', 'label.host': 'forged', 'label.': 'x', address: '$HOSTADDRESS$' }).labels,
    ).toEqual({
      env: 'prod',
      host: 'web-1',
      service: 'disk /',
      state: 'CRITICAL',
    });
    expect(one({ notes_url: 'https://wiki/disk' }).links).toEqual([{ label: 'Notes', url: 'https://wiki/disk' }]);
    expect(one({ notes_url: 'javascript:1' }).links).toEqual([]);
  });

  it('never takes a host for a part of a service', () => {
    const prints = [
      { host: 'a', service: 'b/c' },
      { host: 'a/b', service: 'c' },
    ].map(more => alertsOf(made(more).events)[0]?.fingerprint);
    expect(prints).toEqual(['a!b/c', 'a/b!c']);
  });

  it('without host or type is refused by name', () => {
    expect(refusal(() => made({ host: '' })).at).toBe('host');
    expect(refusal(() => made({ type: '$NOTIFICATIONTYPE$' })).at).toBe('type');
  });

  it('is not expected again, unless the interval is named', () => {
    const timing = (given: object) => timingOf({ driver: source as never, options: source.options.parse(given) });
    expect(timing({}).repeatInterval).toBe(Number.POSITIVE_INFINITY);
    expect(timing({ repeatInterval: '1h' }).repeatInterval).toBe(3_600_000);
  });
});
