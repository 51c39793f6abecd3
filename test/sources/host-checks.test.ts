import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Alert, effectOf, foldAlert } from '../../src/model/alert.ts';
import { type IncomingAlert, incomingEvent } from '../../src/model/event.ts';
import collectd from '../../src/sources/collectd/index.ts';
import { testOf } from '../../src/sources/monit/events.ts';
import monit from '../../src/sources/monit/index.ts';
import { delivery, payload, refusal, take } from './helpers.ts';

/** 2026-11-28T16:30:00Z, after everything was captured. */
const arrival = Date.UTC(2026, 10, 28, 16, 30);

/** The body of what a program of Debian 12 sent. */
function captured(file: string): string {
  const raw = payload(`captured/${file}.http`).toString();
  return raw.slice(raw.indexOf('\r\n\r\n') + 4);
}

function fold(events: readonly IncomingAlert[]) {
  let alert: Alert | null = null;
  const effects = events.map(body => {
    const effect = effectOf(alert, body);
    const event = { id: 'e', source: 's', receivedAt: arrival, raw: null, trusted: true, body };
    alert = foldAlert(alert, event, effect, 'a', {});
    return effect;
  });
  return { effects, alert: alert as unknown as Alert };
}

describe('collectd', () => {
  const hear = (body: string) => take(collectd, delivery(body, {}, arrival), {}).events;
  const one = (name: string) => hear(captured(`collectd/${name}`))[0] as IncomingAlert;

  test('the first OKAY ends nothing, severities are states, and news is in the order of its clock', () => {
    const names = ['okay-first', 'warning', 'failure', 'okay', 'failure', 'missing'];
    const { effects, alert } = fold(names.map(one));
    expect(effects).toEqual(['unseen', 'opened', 'refreshed', 'resolved', 'stale', 'opened']);
    expect(alert).toMatchObject({
      severity: 'critical',
      fingerprint: 'alertname=collectd_app_gauge,app=q,instance=host-1,service=collectd',
      startsAt: Date.parse('2026-11-28T16:17:43.166Z'),
    });
  });

  test('no value passes for two', () => {
    const names = [{ a: 'x,b=y' }, { a: 'x', b: 'y' }, { a: 'x%2Cb=y' }].map(labels => {
      const [event] = hear(JSON.stringify([{ labels: { ...labels, severity: 'FAILURE' } }]));
      return (event as IncomingAlert).fingerprint;
    });
    expect(new Set(names).size).toBe(3);
  });

  test('one bad element spoils no other, and is told', () => {
    const [good] = JSON.parse(captured('collectd/failure'));
    const events = hear(JSON.stringify([{}, good, { labels: { severity: 7, x: [] } }, { labels: { a: 'b' } }]));
    for (const event of events) incomingEvent.parse(event);
    expect(events.map(({ kind }) => kind)).toEqual(['alert', 'notice', 'notice']);
    expect(events[1]).toMatchObject({ type: 'notification' });
    expect(events[2]).toMatchObject({
      title: '2 of 4 notifications of collectd could not be taken',
      labels: { elements: '0, 3' },
    });
  });

  test.each(['[]', '{}', '[1]', `[${'{},'.repeat(1000)}{}]`])('%s is refused', body => {
    expect(refusal(() => hear(body))).toMatchObject({ code: 'bad-body' });
  });
});

describe('Monit', () => {
  const hear = (body: string | Buffer) => take(monit, delivery(body, {}, arrival), {}).events;
  /** What the script would have sent where JSON by hand was sent. */
  const asForm = (name: string) => {
    const json = captured(`monit/${name}`);
    const field = (key: string, next: string) => json.split(`"${key}":"`)[1]?.split(next)[0] ?? '';
    const fields = {
      host: field('host', '","service"'),
      service: field('service', '","event"'),
      event: field('event', '","description"'),
      description: field('description', '","date"'),
      date: field('date', '"}'),
    };
    return new URLSearchParams(fields).toString();
  };
  const one = (name: string) => hear(asForm(name))[0] as IncomingAlert;

  test('a test fails and is well again, and a date without a zone is not guessed', () => {
    expect(fold([one('size-failed'), one('size-succeeded')]).effects).toEqual(['opened', 'resolved']);
    expect(one('size-failed')).toMatchObject({
      startsAt: arrival,
      annotations: { monit_date: 'Sat, 28 Nov 2026 16:16:32' },
    });
    expect(one('size-failed').newsAt).toBeUndefined();
    expect(one('process-missing')).toMatchObject({ state: 'firing', title: 'ghost on host-1: Does not exist' });
  });

  test('quotes, backslashes and line ends that break JSON are a description', () => {
    expect(one('program-status-invalid-json').annotations).toMatchObject({
      description: 'status failed (2) -- line "one" C:\\Users\nline two',
    });
  });

  test.each([
    ['Connection failed', 'connection', 'firing'],
    ['Connection succeeded', 'connection', 'resolved'],
    ['Does not exist', 'existence', 'firing'],
    ['Exists', 'existence', 'resolved'],
    ['Resource limit matched', 'resource limit', 'firing'],
    ['Resource limit succeeded', 'resource limit', 'resolved'],
    ['CPU usage matched limit', 'cpu usage', 'firing'],
    ['CPU usage ok', 'cpu usage', 'resolved'],
    ['Link down', 'link', 'firing'],
    ['Link up', 'link', 'resolved'],
    ['Data access error', 'data access', 'firing'],
    ['Data access succeeded', 'data access', 'resolved'],
    ['Download errors detected', 'download errors', 'firing'],
    ['Download errors ok', 'download errors', 'resolved'],
    ['Timeout', 'timeout', 'firing'],
    ['Timeout recovery', 'timeout', 'resolved'],
    ['Invalid type', 'type', 'firing'],
    ['Type succeeded', 'type', 'resolved'],
    ['Program start failed', 'program start', 'firing'],
    ['Program started', 'program start', 'resolved'],
    ['Process is a zombie', 'zombie check', 'firing'],
    ['Zombie check succeeded', 'zombie check', 'resolved'],
  ])('%s is the test %s, %s', (event, name, state) => {
    expect(testOf(event)).toEqual({ name, state });
  });

  test.each(['Checksum changed', 'Size not changed', 'Content match', 'Action done', 'Restarted', 'constructor'])(
    '%s is a notice',
    event => {
      expect(hear(new URLSearchParams({ host: 'h', service: 's', event }).toString())).toMatchObject([
        { kind: 'notice', title: `s on h: ${event}` },
      ]);
    },
  );

  test('a slash in a name makes no other name of it', () => {
    const names = [
      ['a/b', 'c'],
      ['a', 'b/c'],
    ].map(([host = '', service = '']) => {
      const form = new URLSearchParams({ host, service, event: 'Size failed' }).toString();
      return (hear(form)[0] as IncomingAlert).fingerprint;
    });
    expect(new Set(names).size).toBe(2);
  });

  test('one test ends no other of the same service', () => {
    expect(one('size-failed').fingerprint).toBe('host-1/watched/size');
    const other = new URLSearchParams({ host: 'host-1', service: 'watched', event: 'Checksum succeeded' }).toString();
    expect((hear(other)[0] as IncomingAlert).fingerprint).toBe('host-1/watched/checksum');
  });

  test('Latin-1 is read, and a field that comes twice is refused', () => {
    const bytes = Buffer.from('host=h&service=gr\u00f6\u00dfe&event=Size failed', 'latin1');
    expect(hear(bytes)).toMatchObject([{ labels: { service: 'größe' } }]);
    expect(refusal(() => hear('host=h&host=i&service=s&event=Size failed'))).toMatchObject({ at: 'host' });
  });

  test.skipIf(spawnSync('curl', ['--version']).status !== 0)(
    'its script sends what it names as Monit has it, and nothing else',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tocsin-monit-'));
      const heard: { token: unknown; body: string }[] = [];
      const server = createServer((request, response) => {
        const parts: Buffer[] = [];
        request.on('data', part => parts.push(part));
        request.on('end', () => {
          heard.push({ token: request.headers['x-api-key'], body: Buffer.concat(parts).toString() });
          response.writeHead(202).end();
        });
      });
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      try {
        await writeFile(join(folder, 'header'), 'X-Api-Key: a-token\n');
        const description = 'status "two" C:\\Users & more=@/etc/passwd\n$(id) `id` größe';
        const script = new URL('../../deploy/monit/tocsin-monit', import.meta.url).pathname;
        await promisify(execFile)(script, ['error'], {
          env: {
            MONIT_HOST: 'h',
            MONIT_SERVICE: '@s',
            MONIT_EVENT: 'Status failed',
            MONIT_DESCRIPTION: description,
            DATABASE_PASSWORD: 'a-secret-of-the-daemon',
            TOCSIN_HEADER: join(folder, 'header'),
            TOCSIN_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events/monit`,
          },
        });
        expect(heard).toHaveLength(1);
        const [{ token, body } = { token: '', body: '' }] = heard;
        expect(token).toBe('a-token');
        expect(body).not.toContain('a-secret');
        const time = Number(new URLSearchParams(body).get('time')) * 1000;
        const [event] = take(monit, delivery(body, {}, time), {}).events;
        expect(event).toMatchObject({
          state: 'firing',
          fingerprint: 'h/@s/status',
          severity: 'error',
          annotations: { description },
          newsAt: time,
        });
      } finally {
        server.close();
        await rm(folder, { recursive: true });
      }
    },
  );
});
