import { describe, expect, it } from 'vitest';
import { type IncomingEvent, incomingEvent } from '../../../src/model/event.ts';
import { check } from '../../../src/sources/zabbix/check.ts';
import source from '../../../src/sources/zabbix/index.ts';
import { captured, foldEvents } from '../captured.ts';
import { alertsOf, delivery, now, refusal, take } from '../helpers.ts';

/** What Zabbix 6.0.14 sent; its times were those of UTC. */
const utc = { timezone: 'UTC' };
const of = (name: string, options: object = utc) => take(source, captured(`zabbix/${name}`), options).events;
const at = (time: string) => Date.parse(`2026-11-28T${time}Z`);

/** A message of a problem, with what else a test needs. */
const plain = {
  event_id: '7',
  event_source: '0',
  event_value: '1',
  event_name: 'Disk is full',
  event_update_status: '0',
  event_date: '2026.11.20',
  event_time: '11:00:03',
  host_name: 'web-1',
  trigger_id: '9',
};
const made = (more: object, options: object = utc) => {
  const taken = take(source, delivery(JSON.stringify({ ...plain, ...more })), options);
  expect(taken.events.map(event => incomingEvent.parse(event))).toEqual(taken.events);
  return taken;
};
const one = (more: object, options?: object) => made(more, options).events[0] as IncomingEvent;
const update = (action: string, more: object = {}) =>
  made({
    event_update_status: '1',
    event_update_action: action,
    event_update_date: '2026.11.20',
    event_update_time: '11:05:00',
    user_fullname: 'Alice',
    ...more,
  });

it('a person whom Zabbix does not name to its user is nobody', () => {
  const hidden = update('acknowledged and commented', {
    user_fullname: 'Inaccessible user',
    event_update_message: 'mine',
  });
  expect(hidden.events).toMatchObject([
    { state: 'acknowledged' },
    { title: 'Somebody acknowledged and commented: mine' },
  ]);
  expect(hidden.events[0]).not.toHaveProperty('by');
  expect(update('acknowledged').events).toMatchObject([{ by: 'Alice' }]);
});

describe('what Zabbix really sent', () => {
  it('a problem: texts as they are, tags as labels, no macro without a value', () => {
    expect(of('problem')).toEqual([
      {
        kind: 'alert',
        state: 'firing',
        fingerprint: '1',
        title: 'Disk on web-1 is "full": 95',
        severity: 'error',
        labels: { scope: '', service: 'db "x"', host: 'web-1', trigger: '90001', severity: 'High' },
        annotations: { description: 'comment with "quotes" and C:\\Users', operational_data: 'used 95' },
        links: [{ label: 'Trigger', url: 'http://w/90001' }],
        startsAt: at('16:20:45'),
        newsAt: at('16:20:45'),
        endsAt: null,
        occurredAt: at('16:20:45'),
      },
    ]);
    expect(JSON.stringify(of('problem'))).not.toMatch(/\{[A-Z.]+\}|UNKNOWN/);
  });

  it('its recovery: the same identity, its own time, the severity that it was changed to', () => {
    const [recovery] = alertsOf(of('recovery'));
    expect(recovery).toMatchObject({
      state: 'resolved',
      fingerprint: '1',
      severity: 'warning',
      startsAt: at('16:20:45'),
      newsAt: at('16:21:18'),
      endsAt: at('16:21:18'),
    });
  });

  it('a problem that was acknowledged, grew milder, was let go, recovered, and was commented after that', () => {
    const updates = ['update-acknowledged', 'update-severity', 'update-unacknowledged'];
    const problem = {
      ...(of('problem')[0] as object),
      fingerprint: '5',
      startsAt: at('16:22:09'),
      newsAt: at('16:22:09'),
    };
    const { effects, alert } = foldEvents([
      problem as IncomingEvent,
      ...[...updates, 'recovery-of-acknowledged', 'update-after-recovery'].flatMap(name => of(name)),
    ]);
    expect(effects).toEqual([
      'opened',
      ...['acknowledged', 'notice'],
      ...['refreshed', 'notice'],
      ...['unacknowledged', 'notice'],
      'resolved',
      ...['stale', 'notice'],
    ]);
    expect(alert).toMatchObject({ severity: 'warning', state: 'resolved', acknowledgedBy: null });
    expect(of('update-acknowledged')).toMatchObject([
      { state: 'acknowledged', by: '(guest)' },
      { about: '5', title: '(guest) acknowledged and commented: looking at "it" C:\\x' },
    ]);
    expect(of('update-severity')[1]?.title).toBe('(guest) changed severity from High to Warning');
    expect(of('update-after-recovery')[1]?.title).toBe('(guest) commented and closed: closed by hand');
  });

  it('a problem that comes late, after its recovery, opens nothing; without a zone nobody can tell', () => {
    const late = (options: object) => foldEvents([...of('recovery', options), ...of('problem', options)]).effects;
    expect(late(utc)).toEqual(['unseen', 'stale']);
    expect(alertsOf(of('problem', {}))[0]).not.toHaveProperty('newsAt');
    expect(alertsOf(of('problem', {}))[0]?.labels).not.toHaveProperty('tocsin_note');
  });

  it('a problem that was refused and sent again is one', () => {
    expect(foldEvents([...of('problem-refused-503'), ...of('problem-refused-503')]).effects).toEqual([
      'opened',
      'refreshed',
    ]);
  });

  it('is proven by its token', () => {
    const token = (token: string) => source.verify(captured('zabbix/problem'), source.options.parse({ token }));
    expect(token('an-example-token')).toEqual({ ok: true, by: 'bearer' });
    expect(token('another').ok).toBe(false);
  });
});

describe('an update', () => {
  it('says by its words what it is: a comment is no news of the state', () => {
    const kinds = (action: string) =>
      update(action).events.map(event => (event.kind === 'alert' ? event.state : event.kind));
    expect(kinds('acknowledged')).toEqual(['acknowledged']);
    expect(kinds('unacknowledged')).toEqual(['unacknowledged']);
    expect(kinds('commented')).toEqual(['notice']);
    expect(kinds('closed')).toEqual(['notice']);
    expect(kinds('suppressed until 2026.11.21 10:00:00')).toEqual(['notice']);
    expect(kinds('acknowledged, commented and changed severity from High to Warning')).toEqual([
      'firing',
      'acknowledged',
      'notice',
    ]);
    expect(kinds('{EVENT.UPDATE.ACTION}')).toEqual(['notice']);
  });

  it('counts its words once, however often it is sent, and its state each time', () => {
    const first = update('acknowledged and commented', { event_update_message: 'on it' });
    expect(first.eventIds).toEqual([null, expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(update('acknowledged and commented', { event_update_message: 'on it' }).eventIds).toEqual(first.eventIds);
    for (const other of [{ event_update_message: 'done' }, { event_update_time: '11:06:00' }, { event_id: '8' }])
      expect(update('acknowledged and commented', { event_update_message: 'on it', ...other }).eventIds).not.toEqual(
        first.eventIds,
      );
    expect(made({}).eventIds).toBeUndefined();
  });

  it('has the time of the update, and the start of the problem', () => {
    expect(update('acknowledged').events[0]).toMatchObject({
      startsAt: Date.UTC(2026, 10, 20, 11, 0, 3),
      newsAt: Date.UTC(2026, 10, 20, 11, 5),
    });
  });
});

describe('what a message is made of', () => {
  it('severities by number, else by word, else a warning', () => {
    const severityOf = (more: object) => alertsOf(made(more).events)[0]?.severity;
    const all = ['0', '1', '2', '3', '4', '5'].map(event_nseverity => severityOf({ event_nseverity }));
    expect(all).toEqual(['info', 'info', 'warning', 'warning', 'error', 'critical']);
    const word = { event_severity: 'Disaster' };
    expect(severityOf({ ...word, event_nseverity: '{EVENT.NSEVERITY}' })).toBe('critical');
    expect(severityOf({ ...word, event_nseverity: '6' })).toBe('critical');
    expect(severityOf({ event_severity: 'Our own', event_nseverity: '4' })).toBe('error');
    expect(severityOf({})).toBe('warning');
  });

  it('times by a timestamp, else by date and time in the zone, on both sides of a change of clocks', () => {
    const starts = (more: object, options: object) => alertsOf(made(more, options).events)[0]?.startsAt;
    const berlin = { timezone: 'Europe/Berlin' };
    expect(starts({}, berlin)).toBe(Date.UTC(2026, 10, 20, 10, 0, 3));
    expect(starts({ event_date: '2026.07.20' }, berlin)).toBe(Date.UTC(2026, 6, 20, 9, 0, 3));
    expect(starts({ event_timestamp: '1795604400' }, berlin)).toBe(1_795_604_400_000);
    expect(starts({ event_timestamp: '1795604400' }, {})).toBe(1_795_604_400_000);
    for (const event_date of ['20.11.2026', '2026.02.31', '{EVENT.DATE}', ''])
      expect(starts({ event_date }, berlin)).toBe(now);
    expect(source.options.safeParse({ timezone: 'CEST' }).success).toBe(false);
  });

  it('a time far ahead is left out, and told', () => {
    expect(one({ event_date: '2030.01.01' }).labels['tocsin_note']).toContain(
      'event_time is more than five minutes ahead',
    );
  });

  it('tags: several values of one name, and none of ours is replaced', () => {
    const tags = [
      { tag: 'app', value: 'a' },
      { tag: 'app', value: 'b' },
      { tag: 'host', value: 'forged' },
      { tag: 'flag', value: '' },
    ];
    const labels = { app: 'a, b', host: 'web-1', flag: '', trigger: '9' };
    expect(one({ event_tagsjson: JSON.stringify(tags) }).labels).toEqual(labels);
    expect(one({ event_tagsjson: tags }).labels).toEqual(labels);
    expect(one({ event_tagsjson: '{EVENT.TAGSJSON}' }).labels).toEqual({ host: 'web-1', trigger: '9' });
    for (const event_tagsjson of ['not JSON', '{"a":1}', '[1]', '[{"value":"x"}]', '[{"tag":"__proto__","value":"x"}]'])
      expect(one({ event_tagsjson })).toMatchObject({ annotations: { tocsin_unread: expect.any(String) } });
  });

  it('links to the page of the event, where the frontend is named', () => {
    const linksOf = (url: string) => one({ trigger_url: 'javascript:1' }, { url }).links;
    const expected = [{ label: 'Zabbix', url: 'https://z.example/zabbix/tr_events.php?triggerid=9&eventid=7' }];
    expect(linksOf('https://z.example/zabbix')).toEqual(expected);
    expect(linksOf('https://z.example/zabbix/')).toEqual(expected);
  });

  it('the title names the host once', () => {
    expect(one({}).title).toBe('web-1: Disk is full');
    expect(one({ event_name: 'Disk of web-1' }).title).toBe('Disk of web-1');
    expect(one({ host_name: '*UNKNOWN*' }).title).toBe('Disk is full');
  });
});

describe('what is no problem', () => {
  it('the button Test, discovery and autoregistration are notices', () => {
    const alert_subject = 'Hello';
    expect(one({ event_id: '{EVENT.ID}', alert_subject })).toMatchObject({
      kind: 'notice',
      type: 'message',
      title: 'Hello',
    });
    expect(one({ event_source: '1', event_value: '{EVENT.VALUE}', alert_subject })).toMatchObject({
      type: 'discovery',
    });
    expect(one({ event_source: '2', alert_subject: null })).toMatchObject({ type: 'autoregistration' });
  });

  it('a message that cannot be read is refused with the parameter', () => {
    const at = (more: object) => {
      const { code, at, remedy } = refusal(() => made(more));
      return [code, at, remedy.includes('media-tocsin.yaml')];
    };
    expect(at({ event_value: '2' })).toEqual(['bad-body', 'event_value', true]);
    expect(at({ event_id: undefined })).toEqual(['bad-body', 'event_id', true]);
    expect(refusal(() => take(source, delivery('[]'), {})).at).toBe('the document');
  });

  it('is checked: without a zone late news cannot be told', async () => {
    expect(await check(source.options.parse(utc), {} as never)).toMatchObject([{ state: 'ok' }]);
    expect(await check(source.options.parse({}), {} as never)).toMatchObject([{ state: 'warning' }]);
  });
});
