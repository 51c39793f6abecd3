import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PagerDutyDouble, startPagerDuty } from '../doubles/pagerduty.ts';
import { createWebhookSender } from '../doubles/pagerduty-sender.ts';
import { config, populate, secret } from '../flow/origin/place.ts';
import { delivery, endAll, ready, start, until } from './process.ts';

let folder: string;
let pagerduty: PagerDutyDouble;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-kill-'));
  pagerduty = await startPagerDuty();
  populate(pagerduty);
});
afterEach(async () => {
  endAll();
  await pagerduty.close();
  await rm(folder, { recursive: true, force: true });
});

const files = async (source: string) => {
  const text = config(pagerduty);
  await mkdir(join(folder, 'runbooks'));
  // One local person and no tokens, as after a fresh start.
  await writeFile(join(folder, 'tocsin.yaml'), `${text.slice(0, text.indexOf('people:'))}people: { you: {} }\n`);
  await writeFile(join(folder, 'policy.yaml'), 'rules: [{ name: all, decide: auto }]');
  await writeFile(
    join(folder, 'runbooks/fix.yaml'),
    `title: Fix it
risk: low
on: [{ source: ${source} }]
params: {}
steps:
  - id: fix
    exec: ["sh", "-c", "until [ -e ${join(folder, 'gate')} ]; do sleep 0.05; done; exit 1"]
    idempotent: true
`,
  );
};

const incident = {
  id: '01KILL',
  event_type: 'incident.triggered',
  occurred_at: '2026-11-20T11:00:03Z',
  data: {
    id: 'Q1',
    type: 'incident',
    title: 'Disk full',
    status: 'triggered',
    urgency: 'high',
    created_at: '2026-11-20T11:00:03Z',
  },
};

describe('kill -9 between an effect at PagerDuty and its record', () => {
  test.each([
    ['the acknowledgement', /^PUT/, 1],
    ['the note', /^POST .*notes$/, 1],
    ['the hand-back', /^PUT/, 2],
  ])('%s is not done twice, and what follows is done', async (_what, on, nth) => {
    await files('pagerduty');
    pagerduty.add({ id: 'Q1' });
    const first = start(folder);
    const { url } = await ready(first);
    let seen = 0;
    // Every answer to it is as usual, until the one that the process does not live to hear.
    const kill = () => {
      seen++;
      if (seen === nth) first.child.kill('SIGKILL');
    };
    pagerduty.watch(on, kill);
    const sender = createWebhookSender({ url: `${url}/events/pagerduty`, secrets: [secret], pause: 5 });
    expect(await sender.send(incident)).toBe('taken');
    await until(async () => pagerduty.requests.some(name => name.startsWith('PUT')));
    await writeFile(join(folder, 'gate'), '');
    await first.ended;
    expect(seen).toBe(nth);

    const second = start(folder);
    await ready(second);
    await until(async () => pagerduty.incidents.get('Q1')?.escalations.length === 1);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect(pagerduty.incidents.get('Q1')).toMatchObject({
      status: 'triggered',
      escalations: [1],
      notes: [expect.stringContaining('Fix it failed')],
    });
  });

  test('a page is one alert at PagerDuty, however often it was sent', async () => {
    await files('alertmanager');
    await writeFile(join(folder, 'gate'), '');
    const first = start(folder);
    const { url } = await ready(first);
    let seen = 0;
    pagerduty.watch(/enqueue$/, () => {
      seen++;
      if (seen === 1) first.child.kill('SIGKILL');
    });
    const headers = { 'content-type': 'application/json', authorization: 'Bearer alert-secret' };
    await fetch(`${url}/events/alertmanager`, { method: 'POST', headers, body: delivery });
    await first.ended;
    const second = start(folder);
    await ready(second);
    await until(async () => seen === 2);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect([...pagerduty.calls.values()]).toMatchObject([{ open: true, triggers: 2 }]);
  });
});
