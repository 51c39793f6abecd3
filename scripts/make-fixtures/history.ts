import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Act } from '../../src/model/act.ts';
import type { Actor } from '../../src/model/actor.ts';
import type { Approval } from '../../src/model/approval.ts';
import type { RunState } from '../../src/model/run.ts';
import { startTestApp, type TestApp } from '../../test/doubles/app.ts';
import { type PagerDutyDouble, startPagerDuty } from '../../test/doubles/pagerduty.ts';
import { createWebhookSender } from '../../test/doubles/pagerduty-sender.ts';
import { files } from './files.ts';

/** A cron time that occurs in leap years only, so that no schedule ticks during the history. */
const never = '0 0 29 2 *';

/**
 * Runs the app of this checkout through a small history over the store that `env` names, then stops it in order. At the end one run waits
 * for a second vote, one for the vote on a step, one for its alert to resolve, and one for a person to say what a step did.
 */
export async function live(folder: string, env: Record<string, string>): Promise<void> {
  const pagerduty = await startPagerDuty();
  const open = (nightly: string) =>
    startTestApp(files, { folder, keep: true, env: { ...env, PAGERDUTY_URL: pagerduty.url, NIGHTLY: nightly } });
  try {
    const first = await open(inSeconds(3));
    await alerts(first);
    await incidents(first, pagerduty);
    await backups(first);
    await acts(first);
    await approvals(first);
    await waits(first);
    await rest(first);
    await first.stop();
    // A step that was running at the stop has no recorded result.
    const second = await open(never);
    await answers(second);
    await rest(second);
    await second.stop();
  } finally {
    await pagerduty.close();
  }
}

/** A cron time some seconds from now, once a year. */
function inSeconds(seconds: number): string {
  const at = new Date(Date.now() + seconds * 1000);
  return `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${at.getUTCHours()} ${at.getUTCDate()} ${at.getUTCMonth() + 1} *`;
}

const started = '2026-11-20T09:14:07.331Z';

async function alerts(app: TestApp): Promise<void> {
  const send = (fingerprint: string, labels: Record<string, string>, status: 'firing' | 'resolved' = 'firing') =>
    app.alert(labels, { fingerprint, status, startsAt: started });

  const disk = { alertname: 'Disk', instance: 'web-1' };
  await send('disk', disk);
  await run(app, 'look', 'succeeded');
  await send('disk', disk);
  await send('disk', disk, 'resolved');
  await send('disk', disk, 'resolved');
  await send('disk', disk);
  const again = await asked(app, 'look');
  await vote(app, 'BOB', again.id, 'deny', 'it was looked at');
  await run(app, 'look', 'denied');

  await send('frozen', { ...disk, freeze: 'yes' });
  await send('news', { ...disk, severity: 'info' });
  await send('broken', { alertname: 'Broken' });
  await run(app, 'repair', 'failed');

  const stale = { alertname: 'Stale' };
  await send('stale', stale);
  await run(app, 'heal', 'waiting');
  await send('stale', stale);
  await run(app, 'heal', 'ineffective');
  await send('stale', stale, 'resolved');
  await send('quiet', { ...stale, within: '400ms' });
  await run(app, 'heal', 'unconfirmed');
  await send('watched', { ...stale, within: '30d' });
  await run(app, 'heal', 'waiting');
}

async function incidents(app: TestApp, pagerduty: PagerDutyDouble): Promise<void> {
  pagerduty.users.set('PMINA', { id: 'PMINA', name: 'Mina Sample', email: 'mina@example.com' });
  pagerduty.rota.push({ policy: { id: 'PEP1', summary: 'On-call' }, level: 1, schedule: null, user: 'PMINA' });
  const sender = createWebhookSender({
    url: `${app.app.url}/events/pagerduty`,
    secrets: ['a webhook secret'],
    pause: 5,
  });
  const send = async (id: string, what: string) => {
    const incident = pagerduty.incidents.get(id) ?? pagerduty.add({ id });
    const sent = await sender.send({
      id: `01EVENT${id}${what}`,
      event_type: `incident.${what}`,
      occurred_at: new Date().toISOString(),
      data: {
        id,
        type: 'incident',
        number: 1,
        status: incident.status,
        created_at: started,
        title: `Incident ${id}`,
        service: { id: 'PSVC', summary: 'Checkout' },
        escalation_policy: { id: 'PEP1', summary: 'On-call' },
        urgency: 'high',
        ...(what === 'annotated' ? { content: 'Somebody looks at it.' } : {}),
      },
    });
    if (sent !== 'taken') throw new Error(`the webhook was ${sent}: ${sender.answers}`);
  };
  await send('Q1', 'triggered');
  await run(app, 'restart', 'succeeded');
  await told(app, 'resolve');
  await send('Q1', 'annotated');
  await send('Q1', 'resolved');
  await send('Q2', 'triggered');
  await send('Q2', 'acknowledged');

  const alert = (await app.app.store.alerts({})).find(one => one.fingerprint === 'Q2')?.id ?? null;
  await begin(app, 'failover', {}, alert);
  const { id: approval } = await asked(app, 'failover');
  await act(app, mina, { kind: 'vote', approval, vote: 'approve', reason: null, seal: null });
  await run(app, 'failover', 'succeeded');
}

async function backups(app: TestApp): Promise<void> {
  for (const [id, state] of ['firing', 'notice', 'resolved', 'resolved'].entries()) {
    const body = { id: `backup-${Math.min(id, 2)}`, check: 'backup of db-1', state };
    const { status } = await app.call('POST', '/events/backups', {
      as: null,
      headers: { authorization: 'Bearer backup-secret' },
      body,
    });
    if (status !== 202) throw new Error(`the door answered ${status}`);
  }
}

const person = (id: string, account: string | null = null): Actor => ({ kind: 'person', id, via: 'console', account });
const mina = person('mina', 'pagerduty:PMINA');

async function acts(app: TestApp): Promise<void> {
  const alert = async (fingerprint: string) =>
    (await app.app.store.alertOf('alertmanager', fingerprint))?.id ?? fingerprint;
  await act(app, person('alice'), { kind: 'acknowledge', alert: await alert('broken') });
  await act(app, person('alice'), { kind: 'silence', alert: await alert('quiet'), duration: 7 * 24 * 3600_000 });
  const stranger: Actor = { kind: 'stranger', id: 'slack:T1/U9', via: 'slack', because: 'no entry names the account' };
  await app.app.host.act(stranger, { kind: 'halt', reason: 'a stranger wants it' });

  await app.call('PUT', '/api/v1/halt', { body: { reason: 'a drill' } });
  await app.call('POST', '/api/v1/runs', { body: { runbook: 'look', params: {}, reason: 'while it is halted' } });
  await app.call('DELETE', '/api/v1/halt', { body: { reason: 'the drill is over' } });

  const slow = await begin(app, 'once');
  await app.until(async () => (await app.app.store.run(slow))?.steps[0]?.state === 'running');
  await app.call('POST', `/api/v1/runs/${slow}/cancel`, { body: { reason: 'it takes too long' } });
  await app.ended(slow);
}

async function approvals(app: TestApp): Promise<void> {
  await begin(app, 'change', { word: 'yes' });
  const { id: wanted } = await asked(app, 'change');
  await vote(app, 'RITA', wanted, 'approve', 'not mine to say');
  await vote(app, 'ALICE', wanted, 'approve', 'it is time');
  await vote(app, 'BOB', wanted, 'approve', 'so it is');
  await run(app, 'change', 'succeeded');
  await begin(app, 'change', { word: 'no' });
  await vote(app, 'ALICE', (await asked(app, 'change')).id, 'deny', 'not today');
  await run(app, 'change', 'denied');

  await begin(app, 'edited');
  await asked(app, 'edited');
  const path = 'runbooks/edited.yaml';
  await writeFile(join(app.folder, path), `${files[path]}  - { id: more, exec: [echo, more] }\n`);
  await app.until(async () => (await app.app.store.approvals({ state: 'void' })).length === 1);
  await writeFile(join(app.folder, path), files[path] ?? '');

  await begin(app, 'expires');
  await app.until(async () => (await app.app.store.approvals({})).some(one => one.escalated));
  await run(app, 'expires', 'expired');
}

async function waits(app: TestApp): Promise<void> {
  await run(app, 'nightly', 'succeeded');
  await begin(app, 'change', { word: 'later' });
  await vote(app, 'ALICE', (await asked(app, 'change')).id, 'approve', 'one of two');
  await begin(app, 'guarded', { word: 'said' });
  await asked(app, 'guarded');
  for (const id of [await begin(app, 'once'), await begin(app, 'once')])
    await app.until(async () => (await app.app.store.run(id))?.steps[0]?.state === 'running');
}

async function answers(app: TestApp): Promise<void> {
  const unknown = await app.until(async () => {
    const found = await app.app.store.runs({ states: ['asking'] });
    return found.length === 2 ? found : null;
  });
  const id = unknown[0]?.id ?? '';
  await app.call('POST', `/api/v1/runs/${id}/answer`, {
    body: { step: 'slow', choice: 'skip', reason: 'it was done' },
  });
  await app.ended(id);
}

async function begin(app: TestApp, runbook: string, params = {}, alert: string | null = null): Promise<string> {
  const body = { runbook, params, reason: 'for the record', ...(alert === null ? {} : { alert }) };
  const answer = await app.call('POST', '/api/v1/runs', { as: 'CI', body });
  if (answer.status !== 202) throw new Error(`${runbook} did not begin: ${JSON.stringify(answer.body)}`);
  return answer.body.id;
}

/** Waits until a run of the runbook is in this state. */
async function run(app: TestApp, runbook: string, state: RunState): Promise<void> {
  await app.until(async () => (await app.app.store.runs({ runbook, states: [state] })).length > 0);
}

/** Waits for the open question about a run of the runbook. */
function asked(app: TestApp, runbook: string): Promise<Approval> {
  return app.until(async () => (await app.app.store.approvals({ state: 'open' })).find(one => one.runbook === runbook));
}

async function vote(app: TestApp, as: string, approval: string, what: 'approve' | 'deny', reason: string) {
  await app.call('POST', `/api/v1/approvals/${approval}/votes`, { as, body: { vote: what, reason } });
}

async function act(app: TestApp, who: Actor, what: Act): Promise<void> {
  const answer = await app.app.host.act(who, what);
  if (!answer.ok) throw new Error(`${what.kind} was refused: ${answer.text}`);
}

async function told(app: TestApp, what: string): Promise<void> {
  await app.until(async () =>
    (await app.journal()).some(({ fact }) => fact.kind === 'origin.told' && fact.what === what),
  );
}

/** Waits until the app is idle: all posts and write-backs are done, and nothing was journalled for a while. */
async function rest(app: TestApp): Promise<void> {
  for (let before = -1; ; ) {
    const { seq } = await app.app.store.head();
    const unposted = await app.app.store.posts({ platform: 'console', undelivered: true });
    if (seq === before && unposted.length === 0) return;
    before = seq;
    await new Promise(resolve => setTimeout(resolve, 1500));
  }
}
