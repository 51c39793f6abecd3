import { afterEach, describe, expect, it } from 'vitest';
import type { Door, Gate } from '../../../../src/model/gates/gate.ts';
import type { KnownBad } from '../../../../src/model/gates/known-bad.ts';
import { streamOf } from '../../../../src/model/journal.ts';
import { askingOf, type DoorWorld, mergeRequestOf, runOf, sha, startDoorWorld, taskOf } from './world.ts';

/** What a caller may try at a door. Every pair of a door and a try below must give no allow; the first one shows that an allow is seen. */
interface Row {
  door: Door;
  /** Asks about the first or the second subject. */
  ask(world: DoorWorld, how: { proof: 'right' | 'none' | 'wrong'; subject?: 'first' | 'second' }): Promise<number>;
  /** Whether the caller may go on with the subject, as it knows it. */
  allowed(world: DoorWorld, subject?: 'first' | 'second'): Promise<boolean>;
  /** What answers is down, until the function that it returns is called. */
  down(world: DoorWorld): () => void;
}

const second = 'e'.repeat(40);
const outage = () => Array.from({ length: 1000 }, () => ({ status: 503 }));
const wrong = (headers: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name.includes('signature') ? value.replace(/.$/, last => (last === '0' ? '1' : '0')) : value,
    ]),
  );
const none = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.includes('signature')));
const proven = (delivery: { body: string; headers: Record<string, string> }, proof: 'right' | 'none' | 'wrong') => ({
  body: delivery.body,
  headers: proof === 'right' ? delivery.headers : proof === 'none' ? none(delivery.headers) : wrong(delivery.headers),
});

const http: Row = {
  door: 'http',
  async ask(world, { proof, subject = 'first' }) {
    const headers: Record<string, string> = proof === 'wrong' ? { authorization: 'Bearer a-token-of-nobody' } : {};
    const body = {
      gate: 'deploy',
      subject: { environment: 'production', sha: subject === 'first' ? sha : second, actor: 'bob' },
    };
    return (await world.app.call('POST', '/gates', { as: proof === 'right' ? 'CI' : null, headers, body })).status;
  },
  async allowed(world, subject = 'first') {
    const [found] = (await world.gates('http')).filter(one => one.subject.sha === (subject === 'first' ? sha : second));
    if (found === undefined) return false;
    return (await world.app.call('GET', `/gates/${found.id}`, { as: 'CI' })).body.verdict === 'allow';
  },
  down: () => () => {},
};

const github: Row = {
  door: 'github',
  async ask(world, { proof, subject = 'first' }) {
    const id = subject === 'first' ? 1 : 2;
    const known = world.github.gates.runs.get(String(id));
    const run = known ?? runOf(world.github, { id, head_sha: subject === 'first' ? sha : second });
    return (await world.send('github', proven(askingOf(world.github, run, { environment: 'production' }), proof)))
      .status;
  },
  async allowed(world, subject = 'first') {
    const run = world.github.gates.runs.get(subject === 'first' ? '1' : '2');
    return run?.reviews.some(one => one.state === 'approved') === true;
  },
  down(world) {
    world.github.faults = outage();
    return () => {
      world.github.faults = [];
    };
  },
};

const gitlab: Row = {
  door: 'gitlab',
  async ask(world, { proof, subject = 'first' }) {
    // Without it the door would find the question by looking, which no proof of a delivery can forbid.
    world.gitlab.check.external_url = 'https://another.example/';
    const iid = subject === 'first' ? 1 : 2;
    const known = world.gitlab.mergeRequests.find(one => one.iid === iid);
    const request = known ?? mergeRequestOf(world.gitlab, { iid, sha: subject === 'first' ? sha : second });
    return (await world.send('gitlab', proven(world.gitlab.delivery(request, 'dana'), proof))).status;
  },
  async allowed(world, subject = 'first') {
    const request = world.gitlab.mergeRequests.find(one => one.iid === (subject === 'first' ? 1 : 2));
    return request?.responses.at(-1)?.status === 'passed';
  },
  down(world) {
    world.gitlab.faults = outage();
    return () => {
      world.gitlab.faults = [];
    };
  },
};

const terraform: Row = {
  door: 'terraform',
  async ask(world, { proof, subject = 'first' }) {
    const id = `result-${subject}`;
    const task = world.terraform.tasks.find(one => one.id === id) ?? taskOf(world.terraform, { id });
    return (await world.send('terraform', proven(world.terraform.request(task), proof))).status;
  },
  async allowed(world, subject = 'first') {
    return world.terraform.tasks.find(one => one.id === `result-${subject}`)?.state === 'passed';
  },
  down(world) {
    world.terraform.faults = outage();
    return () => {
      world.terraform.faults = [];
    };
  },
};

const rows = [http, github, gitlab, terraform];

describe.each(rows.map(row => [row.door, row] as const))('through the door %s there is no allow', (door, row) => {
  const worlds: DoorWorld[] = [];
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.stop();
  });
  const start = async (...given: Parameters<typeof startDoorWorld>) => {
    const world = await startDoorWorld(...given);
    worlds.push(world);
    return world;
  };
  const asked = async (world: DoorWorld) => {
    expect(await row.ask(world, { proof: 'right' })).toBe(200);
    return await world.gate(door);
  };
  /** Until the caller knows: by asking at the door http, by being told at the others. */
  const settled = async (world: DoorWorld, id: string) =>
    await world.gate(door, one => one.id === id && one.state !== 'pending' && (door === 'http' || isTold(one)));

  it('but for what another person approved', async () => {
    const world = await start();
    const gate = await asked(world);
    expect(await row.allowed(world)).toBe(false);
    expect(await world.vote('ALICE', gate)).toBe(200);
    await settled(world, gate.id);
    expect(await row.allowed(world)).toBe(true);
  });

  it.each(['none', 'wrong'] as const)('with proof: %s', async proof => {
    const world = await start();
    expect(await row.ask(world, { proof })).toBe(401);
    expect(await world.gates()).toEqual([]);
    expect(await row.allowed(world)).toBe(false);
  });

  it('by a replay of what was denied', async () => {
    const world = await start();
    const gate = await asked(world);
    await world.vote('ALICE', gate, 'deny');
    await settled(world, gate.id);
    await row.ask(world, { proof: 'right' });
    expect(await row.allowed(world)).toBe(false);
    // People are asked again only where a request is a new one.
    expect(await world.gates()).toHaveLength(door === 'http' ? 2 : 1);
  });

  it('for another subject than the approved one', async () => {
    const world = await start();
    const gate = await asked(world);
    await world.vote('ALICE', gate);
    await settled(world, gate.id);
    await row.ask(world, { proof: 'right', subject: 'second' });
    await world.gate(door, one => one.id !== gate.id && one.state === 'pending');
    expect(await row.allowed(world, 'second')).toBe(false);
  });

  it('after the time', async () => {
    const world = await start({ expires: '1s' });
    const gate = await asked(world);
    expect((await settled(world, gate.id)).state).toBe('expired');
    expect(await world.vote('ALICE', gate)).not.toBe(200);
    expect(await row.allowed(world)).toBe(false);
  });

  it('for what became known to be bad while people voted', async () => {
    const world = await start();
    const gate = await asked(world);
    await addBad(world);
    await world.vote('ALICE', gate);
    expect((await settled(world, gate.id)).state).toBe('void');
    expect(await row.allowed(world)).toBe(false);
  });

  it('for what was taken back before the caller could be told', async () => {
    const world = await start();
    const gate = await asked(world);
    const up = row.down(world);
    await world.vote('ALICE', gate);
    await world.gate(door, one => one.state === 'allowed');
    await world.app.call('POST', `/api/v1/gates/${gate.id}/revoke`, { body: { reason: 'it loses orders' } });
    up();
    expect((await settled(world, gate.id)).state).toBe('revoked');
    expect(await row.allowed(world)).toBe(false);
    await row.ask(world, { proof: 'right' });
    expect(await row.allowed(world)).toBe(false);
  });

  it('by the vote of the one who asks', async () => {
    const world = await start();
    const gate = await asked(world);
    expect(await world.vote('BOB', gate)).toBe(403);
    expect(await row.allowed(world)).toBe(false);
  });
});

function isTold({ told }: Gate): boolean {
  return told.some(one => one.key.startsWith('verdict/'));
}

async function addBad(world: DoorWorld): Promise<void> {
  const id = 'bad_matrix';
  const entry: KnownBad = {
    id,
    reason: 'it loses orders',
    by: 'person:alice',
    alert: null,
    until: null,
    createdAt: 1,
    version: 1,
    thing: { kind: 'commit', sha },
    blocks: 'rollout',
    state: 'open',
  };
  await world.app.app.store.commit({
    entries: [
      {
        stream: streamOf.knownBad(id),
        actor: { kind: 'system', id: 'test' },
        at: 1,
        fact: { kind: 'known-bad.added', entry },
      },
    ],
    rows: [{ table: 'document', kind: 'known-bad', doc: entry }],
  });
}
