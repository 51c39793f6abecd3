import { expect, test } from 'vitest';
import { tokens } from '../doubles/app.ts';
import { missingPrograms } from '../real/programs.ts';
import { cookieOf, example, proxies, signIn, startBehind } from './proxies.ts';

/** Longer than the read time-outs of the examples, of nginx alone (60 s) and of Debian's HAProxy (50 s). */
test.skipIf(missingPrograms(...proxies, 'openssl') !== null).concurrent.each(proxies)(
  '%s: a stream on which nothing happens stays open by its heartbeats, and passes on what happens then',
  { timeout: 300_000 },
  async name => {
    const behind = await startBehind(name);
    try {
      const cookie = cookieOf(await signIn(behind, tokens['ALICE'] ?? ''));
      const stream = await behind.open('/console/stream?page=/alerts&after=0', { headers: { cookie } });
      await stream.says(/(: still here[\s\S]*){6}/);
      expect(stream.ended()).toBe(false);
      const alert = { status: 'firing', fingerprint: '00c0ffee00c0ffee', labels: { alertname: 'AfterAll' } };
      const times = { startsAt: '2026-11-23T10:00:00Z', endsAt: '0001-01-01T00:00:00Z' };
      const body = {
        version: '4',
        status: 'firing',
        alerts: [{ ...alert, ...times, annotations: { summary: 'AfterAll' } }],
      };
      const headers = { 'content-type': 'application/json', authorization: 'Bearer alert-secret' };
      await behind.ask('/events/alertmanager', { method: 'POST', body: JSON.stringify(body), headers });
      await stream.says(/AfterAll/);
      stream.close();
    } finally {
      await behind.stop();
    }
  },
);

/** Far shorter than any time-out of the examples or of Debian: only what comes meanwhile, each 10 s, keeps a wait of 45 s open. */
const short = '15s';

test.skipIf(missingPrograms(...proxies, 'openssl') !== null).concurrent.each(proxies)(
  '%s: the longest wait for a gate outlives time-outs of 15 s by its spaces, and ends with JSON',
  { timeout: 300_000 },
  async name => {
    const change = (text: string) =>
      text.replaceAll(/(timeout (?:client|server)|proxy_read_timeout) \d+s/g, `$1 ${short}`);
    const behind = await startBehind(name, { change });
    try {
      expect(change(example(name)).split(short).length).toBeGreaterThan(1);
      const headers = { authorization: `Bearer ${tokens['CI']}`, 'content-type': 'application/json' };
      const body = JSON.stringify({ gate: 'deploy', subject: { service: 'checkout' } });
      const { id } = JSON.parse((await behind.ask('/gates', { method: 'POST', headers, body })).text);
      const answer = await behind.ask(`/gates/${id}?wait=45s`, { headers });
      expect([answer.status, JSON.parse(answer.text).verdict]).toEqual([200, 'pending']);
      expect(answer.text).toMatch(/^ {4,}\{/);
    } finally {
      await behind.stop();
    }
  },
);
