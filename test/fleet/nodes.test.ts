import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root, start } from '../cli/process.ts';
import { isAlive } from '../real/alive.ts';
import { files } from './files.ts';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';

describe.skipIf(missingServers() !== null)('equal nodes', { timeout: 90_000 }, () => {
  let fleet: Fleet;
  let [first, second] = [] as unknown as [FleetNode, FleetNode];
  beforeAll(async () => {
    fleet = await startFleet(files);
    first = await fleet.node();
    second = await fleet.node();
  });
  afterAll(() => fleet.close());

  const ended = (id: string, by = second) =>
    until(async () => {
      const { body } = await by.call('GET', `/api/v1/runs/${id}`);
      return ['succeeded', 'failed', 'cancelled'].includes(body.state) ? body : null;
    });

  test('an alert that is delivered to both, many times at once, is one run and one thread', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? first : second).alert({ word: 'hello' })),
    );
    expect(new Set(answers)).toEqual(new Set([202]));
    const [run] = await until(async () => {
      const { body } = await second.call('GET', '/api/v1/runs');
      return body[0]?.state === 'succeeded' ? body : null;
    });
    expect([run.runbook, fleet.ledger()]).toEqual(['say', ['say hello']]);
    await until(async () => (await fleet.postgres.ask(roots, name(fleet))).length === 1);
    const alerts = await first.call('GET', '/api/v1/alerts');
    expect(alerts.body).toMatchObject([{ state: 'firing', count: 40 }]);
  });

  test('what one asks, people answer at the other', async () => {
    const asked = await first.call('POST', '/api/v1/runs', { runbook: 'ask', params: {}, reason: 'try' });
    expect([asked.status, asked.body.state]).toEqual([202, 'waiting']);
    const [approval] = (await second.call('GET', '/api/v1/approvals?state=open')).body;
    const path = `/api/v1/approvals/${approval.id}/votes`;
    const votes = await Promise.all(
      [first, second, first, second].map(node => node.call('POST', path, { vote: 'approve', reason: 'fine' }, 'BOB')),
    );
    expect(votes.map(vote => vote.status).filter(status => ![200, 409].includes(status))).toEqual([]);
    expect((await ended(asked.body.id)).state).toBe('succeeded');
    expect(fleet.ledger().filter(line => line === 'acted')).toHaveLength(1);
  });

  test('a cancel at one ends the step that runs at the other, and its output is seen at both', async () => {
    const worker = await fleet.node('worker');
    await first.stop();
    await second.stop();
    const intake = await fleet.node('intake');
    const run = (await intake.call('POST', '/api/v1/runs', { runbook: 'once', params: {}, reason: 'try' })).body;
    await until(async () => {
      const answer = await fetch(`${intake.url}/api/v1/runs/${run.id}/output`, {
        headers: { authorization: 'Bearer token-of-alice' },
      });
      return (await answer.text()).includes('at work');
    });
    const child = Number(/once begins (\d+)/.exec(fleet.ledger().join('\n'))?.[1]);
    expect(isAlive(child)).toBe(true);
    expect((await intake.call('POST', `/api/v1/runs/${run.id}/cancel`, { reason: 'no' })).status).toBe(202);
    expect((await ended(run.id, intake)).state).toBe('cancelled');
    expect(isAlive(child)).toBe(false);
    expect((await fetch(`${worker.url}/events/alertmanager`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${worker.url}/api/v1/runs`)).status).toBe(404);
    expect((await fetch(`${worker.url}/healthz`)).status).toBe(200);
    // Nobody writes threads now, and every node says so.
    await until(async () => (await intake.call('GET', '/readyz')).body.fleet.problems.join().includes('role chat'));
    await worker.stop();
    await intake.stop();
  });

  test('nodes with other files are told on /readyz and in the console', async () => {
    const one = await fleet.node();
    const policy = join(fleet.folder, 'policy.yaml');
    await writeFile(join(fleet.folder, 'other.yaml'), 'rules: [{ name: never, decide: deny }]\n');
    const text = await readText(join(fleet.folder, 'tocsin.yaml'));
    await writeFile(join(fleet.folder, 'other-tocsin.yaml'), `policy: ./other.yaml\n${text}`);
    const other = await fleet.node('all', { TOCSIN_CONFIG: join(fleet.folder, 'other-tocsin.yaml') });
    for (const node of [one, other]) {
      const problems = await until(async () => {
        const { body } = await node.call('GET', '/readyz');
        return body.fleet.problems.length > 0 ? body.fleet.problems : null;
      });
      expect(problems.join()).toContain('Give every node the same files');
    }
    const looked = start(fleet.folder, {
      command: [process.execPath, join(root, 'src/cli.ts'), 'doctor'],
      env: { ...fleet.env, TOCSIN_URL: one.url },
    });
    expect(await looked.ended).toBe(0);
    for (const node of [one, other])
      expect(looked.out()).toMatch(new RegExp(`2 nodes are up: .* pid ${node.pid} \\(all\\)`));
    expect(looked.out()).toMatch(new RegExp(`Node nod_\\w+ on \\S+ pid ${other.pid} .*has other policy`));
    const page = await fetch(`${one.url}/login`, { redirect: 'manual' });
    expect(page.status).toBeLessThan(400);
    await writeFile(join(fleet.folder, 'other.yaml'), await readText(policy));
    await until(async () => (await one.call('GET', '/readyz')).body.fleet.problems.length === 0);
    expect(await Promise.all([one.stop(), other.stop()])).toEqual([0, 0]);
  });
});

const roots = 'select key from post where thread is null';

function name(fleet: Fleet): string {
  return new URL(fleet.database).pathname.slice(1);
}

async function readText(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return await readFile(path, 'utf8');
}
