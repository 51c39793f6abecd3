import { afterEach, describe, expect, test } from 'vitest';
import { newStep } from '../../src/model/fold.ts';
import type { NewEntry } from '../../src/model/journal.ts';
import { entryHash, genesis } from '../../src/model/journal.ts';
import {
  alice,
  anAlert,
  anApproval,
  anExplanation,
  aRun,
  createWorld,
  localKey,
  storeApproval,
  storeRun,
  type World,
} from './setup.ts';

let world: World;
afterEach(() => world.close());

const token = { authorization: 'Bearer alice-token' };

interface Reply {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: an answer may have any shape; the assertions say which
  body: any;
  headers: Headers;
}

async function call(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const json = options.body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(world.url + path, {
    method,
    headers: { ...json, ...(options.headers ?? token) },
    ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
}

describe('who may ask', () => {
  test('without tokens configured, reading from this machine needs none, and every change needs the key or a token', async () => {
    world = await createWorld({ local: true });
    expect((await call('GET', '/api/v1/alerts', { headers: {} })).status).toBe(200);
    const refused = await call('PUT', '/api/v1/halt', { headers: {}, body: {} });
    expect(refused.status).toBe(401);
    expect(refused.body.error.code).toBe('unauthenticated');
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    const changed = await call('PUT', '/api/v1/halt', { headers: { authorization: `Bearer ${localKey}` }, body: {} });
    expect(changed.status).toBe(200);
    expect(world.acts.map(one => one.who)).toMatchObject([{ kind: 'person', id: 'you' }]);
  });

  test('what a proxy forwards is not from this machine', async () => {
    world = await createWorld({ local: true });
    for (const name of ['x-forwarded-for', 'forwarded', 'via']) {
      expect((await call('GET', '/api/v1/alerts', { headers: { [name]: 'for=203.0.113.7' } })).status).toBe(401);
    }
  });

  test('with tokens every address of the API needs one, and a wrong one is refused even for reading', async () => {
    world = await createWorld({ local: false });
    const reads = [
      'alerts',
      'runs',
      'approvals',
      'halt',
      'journal',
      'journal/state',
      'runbooks',
      'runs/run_1/output',
      'explain/alt_1',
    ];
    for (const path of reads) expect((await call('GET', `/api/v1/${path}`, { headers: {} })).status, path).toBe(401);
    for (const authorization of ['Bearer wrong', 'Bearer ', 'Basic YTpi', `Bearer ${localKey}`]) {
      expect((await call('GET', '/api/v1/alerts', { headers: { authorization } })).status).toBe(401);
    }
    expect((await call('GET', '/api/v1/alerts')).status).toBe(200);
  });

  test('an unknown address under /api is 404, gates are not there yet, and nothing tells where the code lives', async () => {
    world = await createWorld();
    for (const path of ['/api/v1/nothing', '/gates', '/gates/gat_1', '/api', '/']) {
      const answer = await call('GET', path);
      expect(answer.status, path).toBe(404);
      expect(answer.body.error.code).toBe('not-found');
    }
  });
});

describe('alerts', () => {
  test('are listed with their runs and shown one by one', async () => {
    world = await createWorld();
    await world.store.commit({ rows: [{ table: 'alert', doc: anAlert() }] });
    await world.store.commit({
      rows: [{ table: 'alert', doc: anAlert({ id: 'alt_0000000002', fingerprint: 'f2', state: 'resolved' }) }],
    });
    await storeRun(world.store, aRun({ alert: 'alt_0000000001', episode: 2 }));
    const list = await call('GET', '/api/v1/alerts?state=firing');
    expect(list.body).toHaveLength(1);
    expect(list.body[0]).toMatchObject({
      id: 'alt_0000000001',
      source: 'alertmanager',
      fingerprint: 'f1',
      title: 'Disk full',
      severity: 'critical',
      labels: { alertname: 'NodeDiskFull' },
      state: 'firing',
      episode: 2,
      count: 3,
      thread: 'alert/alt_0000000001/2',
      runs: ['run_0000000001'],
      startsAt: '2023-11-14T22:13:20.000Z',
    });
    expect((await call('GET', '/api/v1/alerts/alt_0000000001')).body).toEqual(list.body[0]);
    expect((await call('GET', '/api/v1/alerts/alt_0000000009')).status).toBe(404);
  });

  test('are searched, and a search that does not parse is refused with its place and what is near', async () => {
    world = await createWorld();
    const other = anAlert({ id: 'alt_0000000002', fingerprint: 'f2', severity: 'info', labels: { team: 'web' } });
    for (const doc of [anAlert(), other]) await world.store.commit({ rows: [{ table: 'alert', doc }] });
    const find = (q: string) => call('GET', `/api/v1/alerts?q=${encodeURIComponent(q)}`);
    expect((await find('alertname=NodeDiskFull severity:critical')).body).toMatchObject([{ id: 'alt_0000000001' }]);
    expect((await find('team!=')).body).toMatchObject([{ id: 'alt_0000000002' }]);
    expect((await find('age<1s')).body).toEqual([]);
    const refused = await find('disk severty:info');
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.body)).toContain('At character 6: There is no key');
    expect(JSON.stringify(refused.body)).toContain('severity:info');
  });

  test('come in pages that name the next one', async () => {
    world = await createWorld();
    for (const n of [1, 2, 3]) {
      await world.store.commit({
        rows: [{ table: 'alert', doc: anAlert({ id: `alt_000000000${n}`, fingerprint: `f${n}` }) }],
      });
    }
    const seen: string[] = [];
    let path: string | undefined = '/api/v1/alerts?state=firing&limit=2';
    for (let pages = 0; path !== undefined && pages < 5; pages++) {
      const answer: Reply = await call('GET', path);
      seen.push(...answer.body.map((one: { id: string }) => one.id));
      path = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    expect(seen.sort()).toEqual(['alt_0000000001', 'alt_0000000002', 'alt_0000000003']);
  });
});

describe('bad requests', () => {
  test('name the key that is not known and the nearest one that is', async () => {
    world = await createWorld();
    const query = await call('GET', '/api/v1/runs?stat=running');
    expect(query.status).toBe(400);
    expect(query.body.error).toMatchObject({ code: 'bad-request' });
    expect(query.body.error.message).toContain('stat (did you mean state?)');
    const body = await call('POST', '/api/v1/runs', { body: { runbok: 'x' } });
    expect(body.status).toBe(400);
    expect(body.body.error.message).toContain('did you mean runbook?');
    expect(world.acts).toHaveLength(0);
  });

  test('are refused before anything happens: wrong values, repeated and duplicate keys, other types, too much', async () => {
    world = await createWorld();
    const statuses: number[] = [];
    for (const query of [
      'state=running&state=failed',
      'limit=0',
      'limit=501',
      'limit=x',
      'state=nonsense',
      'after=../..',
    ]) {
      statuses.push((await call('GET', `/api/v1/runs?${query}`)).status);
    }
    for (const body of [
      '{"runbook":"a","runbook":"b"}',
      '{"runbook":',
      '[]',
      '"x"',
      '',
      `{"a":${'['.repeat(40)}${']'.repeat(40)}}`,
    ]) {
      const headers = { ...token, 'content-type': 'application/json' };
      statuses.push((await fetch(`${world.url}/api/v1/runs`, { method: 'POST', headers, body })).status);
    }
    expect(statuses).toEqual(Array(12).fill(400));
    const post = (type: string, body: string) =>
      fetch(`${world.url}/api/v1/runs`, { method: 'POST', headers: { ...token, 'content-type': type }, body });
    expect((await post('text/plain', '{"runbook":"a"}')).status).toBe(415);
    expect((await post('application/x-www-form-urlencoded', 'runbook=a')).status).toBe(415);
    expect((await post('application/json', `"${'x'.repeat(300_000)}"`)).status).toBe(413);
    expect(world.acts).toHaveLength(0);
  });
});

describe('runs', () => {
  test('a run that is asked for is performed as an act and answered 202 with the run', async () => {
    world = await createWorld();
    world.act = async () => {
      await storeRun(world.store, aRun());
      return { ok: true, text: 'waits for votes', run: 'run_0000000001' };
    };
    const body = { runbook: 'restart-service', params: { service: 'api' }, reason: 'it hangs' };
    const answer = await call('POST', '/api/v1/runs', { body });
    expect(answer.status).toBe(202);
    expect(world.acts).toEqual([{ who: alice, act: { kind: 'run', alert: null, ...body } }]);
    expect(answer.body).toMatchObject({
      id: 'run_0000000001',
      runbook: 'restart-service',
      params: { service: 'api' },
      planHash: 'ab'.repeat(32),
      state: 'waiting',
      decision: { verdict: 'approve', rule: 'otherwise ask', because: 'rule holds' },
    });
    expect(answer.body.steps).toMatchObject([
      {
        id: 'restart',
        state: 'done',
        attempts: 2,
        exitCode: 0,
        startedAt: '1970-01-01T00:00:01.000Z',
        finishedAt: '1970-01-01T00:00:02.500Z',
      },
    ]);
  });

  test('a refusal by policy is 403 with the decision', async () => {
    world = await createWorld();
    const decision = { verdict: 'deny', rule: 'never on Friday', because: 'it is Friday', ask: null } as const;
    world.act = async () => ({
      ok: false,
      code: 'forbidden',
      status: 403,
      text: 'Denied by never on Friday',
      decision,
    });
    const answer = await call('POST', '/api/v1/runs', {
      body: { runbook: 'restart-service', params: { service: 'api' } },
    });
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({
      error: { code: 'forbidden', message: 'Denied by never on Friday' },
      decision: { verdict: 'deny', rule: 'never on Friday', because: 'it is Friday' },
    });
  });

  test('wrong parameters are 422 with what is allowed, an unknown runbook 404 with the nearest', async () => {
    world = await createWorld();
    world.act = async (_who, act) => {
      const known = act.kind === 'run' && act.runbook === 'restart-service';
      return {
        ok: false,
        text: 'no',
        ...(known ? { code: 'params-invalid', status: 422 } : { code: 'runbook-unknown', status: 404 }),
      };
    };
    const params = await call('POST', '/api/v1/runs', {
      body: { runbook: 'restart-service', params: { service: 'db' } },
    });
    expect(params.status).toBe(422);
    expect(params.body.error).toMatchObject({ code: 'params-invalid', allowed: ['api', 'worker'] });
    const unknown = await call('POST', '/api/v1/runs', { body: { runbook: 'restart-servise' } });
    expect(unknown.status).toBe(404);
    expect(unknown.body.error).toMatchObject({ code: 'runbook-unknown', allowed: 'restart-service' });
  });

  test('no run starts while the process stops', async () => {
    world = await createWorld();
    world.draining = true;
    expect((await call('POST', '/api/v1/runs', { body: { runbook: 'restart-service' } })).status).toBe(503);
    expect(world.acts).toHaveLength(0);
  });

  test('are listed by state, runbook and alert', async () => {
    world = await createWorld();
    await storeRun(world.store, aRun());
    await storeRun(world.store, aRun({ id: 'run_0000000002', state: 'running', alert: 'alt_0000000001' }));
    const ids = async (query: string) =>
      (await call('GET', `/api/v1/runs${query}`)).body.map((run: { id: string }) => run.id);
    expect(await ids('')).toEqual(['run_0000000002', 'run_0000000001']);
    expect(await ids('?state=waiting')).toEqual(['run_0000000001']);
    expect(await ids('?alert=alt_0000000001')).toEqual(['run_0000000002']);
    expect(await ids('?runbook=other')).toEqual([]);
    expect((await call('GET', '/api/v1/runs/run_0000000002')).body.state).toBe('running');
    expect((await call('GET', '/api/v1/runs/run_0000000003')).status).toBe(404);
  });

  test('the output is text in order, or chunks as NDJSON from a given one on', async () => {
    world = await createWorld();
    await storeRun(world.store, aRun({ steps: [newStep('a'), newStep('b')] }));
    const chunk = (seq: number, step: string) => ({
      run: 'run_0000000001',
      step,
      attempt: 1,
      seq,
      text: `${step}${seq}<b>\n`,
      at: 1000,
    });
    const docs = Array.from({ length: 450 }, (_, index) => chunk(index + 1, index < 400 ? 'a' : 'b'));
    await world.store.commit({ rows: docs.map(doc => ({ table: 'output', doc }) as const) });
    const text = await call('GET', '/api/v1/runs/run_0000000001/output');
    expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(text.headers.get('x-content-type-options')).toBe('nosniff');
    expect(text.body).toBe(docs.map(doc => doc.text).join(''));
    expect((await call('GET', '/api/v1/runs/run_0000000001/output?step=b')).body.split('\n')[0]).toBe('b401<b>');
    const lines = await call('GET', '/api/v1/runs/run_0000000001/output?after=448', {
      headers: { ...token, accept: 'application/x-ndjson' },
    });
    const parsed = lines.body
      .trim()
      .split('\n')
      .map((line: string) => JSON.parse(line));
    expect(parsed).toMatchObject([{ seq: 449, step: 'b', attempt: 1 }, { seq: 450 }]);
    expect((await call('GET', '/api/v1/runs/run_0000000009/output')).status).toBe(404);
  });

  test('cancel and answer are acts; a refusal keeps its status and reason', async () => {
    world = await createWorld();
    await storeRun(world.store, aRun());
    expect((await call('POST', '/api/v1/runs/run_0000000001/cancel')).status).toBe(202);
    const answer = { step: 'restart', choice: 'skip', question: 2, reason: 'looked at it' };
    expect((await call('POST', '/api/v1/runs/run_0000000001/answer', { body: answer })).status).toBe(202);
    expect(world.acts.map(one => one.act)).toEqual([
      { kind: 'cancel', run: 'run_0000000001', reason: null },
      { kind: 'answer', run: 'run_0000000001', ...answer },
    ]);
    world.act = async () => ({ ok: false, code: 'conflict', status: 409, text: 'It has ended.' });
    const late = await call('POST', '/api/v1/runs/run_0000000001/cancel', { body: { reason: 'x' } });
    expect(late.status).toBe(409);
    expect(late.body.error.message).toBe('It has ended.');
    expect((await call('POST', '/api/v1/runs/run_0000000009/cancel')).status).toBe(404);
  });
});

describe('approvals', () => {
  test('show their votes and how many are missing', async () => {
    world = await createWorld();
    const vote = { person: 'bob', account: null, via: 'slack', vote: 'approve', reason: null, at: 1000 } as const;
    await storeApproval(world.store, anApproval({ votes: [vote] }));
    await storeApproval(world.store, anApproval({ id: 'apv_0000000002', state: 'denied' }));
    const open = await call('GET', '/api/v1/approvals?state=open');
    expect(open.body).toMatchObject([
      { id: 'apv_0000000001', quorum: 2, missing: 1, by: ['sre'], votes: [{ person: 'bob', vote: 'approve' }] },
    ]);
    expect((await call('GET', '/api/v1/approvals/apv_0000000002')).body).toMatchObject({ state: 'denied', missing: 0 });
  });

  test('a vote is an act of the token, and refusals are 403 and 409 with the reason', async () => {
    world = await createWorld();
    await storeApproval(world.store, anApproval());
    const path = '/api/v1/approvals/apv_0000000001/votes';
    expect((await call('POST', path, { body: { vote: 'deny', reason: 'not now' } })).status).toBe(200);
    expect(world.acts).toEqual([
      { who: alice, act: { kind: 'vote', approval: 'apv_0000000001', vote: 'deny', reason: 'not now', seal: null } },
    ]);
    world.act = async () => ({ ok: false, code: 'forbidden', status: 403, text: 'You asked for this run yourself.' });
    const own = await call('POST', path, { body: { vote: 'approve' } });
    expect([own.status, own.body.error.message]).toEqual([403, 'You asked for this run yourself.']);
    world.act = async () => ({ ok: false, code: 'conflict', status: 409, text: 'It is denied already.' });
    expect((await call('POST', path, { body: { vote: 'approve' } })).status).toBe(409);
    expect((await call('POST', path, { body: { vote: 'maybe' } })).status).toBe(400);
    expect((await call('POST', '/api/v1/approvals/apv_0000000009/votes', { body: { vote: 'approve' } })).status).toBe(
      404,
    );
  });
});

describe('halt', () => {
  test('is set, shown and taken back', async () => {
    world = await createWorld();
    expect((await call('GET', '/api/v1/halt')).body).toEqual({ halted: false, by: null, reason: null, at: null });
    world.act = async (_who, act) => {
      const doc = act.kind === 'halt' ? { by: 'alice', reason: act.reason, at: 1000 } : null;
      await world.store.commit({ rows: [{ table: 'halt', doc }] });
      return { ok: true, text: 'done' };
    };
    const set = await call('PUT', '/api/v1/halt', { body: { reason: 'fire' } });
    expect(set.body).toEqual({ halted: true, by: 'alice', reason: 'fire', at: '1970-01-01T00:00:01.000Z' });
    expect((await call('DELETE', '/api/v1/halt')).body.halted).toBe(false);
    expect(world.acts.map(one => one.act.kind)).toEqual(['halt', 'resume']);
  });
});

describe('the journal', () => {
  test('streams every entry after a sequence, and what it streams verifies', async () => {
    world = await createWorld();
    const entry = (n: number): NewEntry => ({
      stream: 'system',
      actor: alice,
      at: 1000 + n,
      fact: { kind: 'halt.set', reason: `r${n}` },
    });
    for (let n = 0; n < 13; n++) {
      await world.store.commit({ entries: Array.from({ length: 100 }, (_, i) => entry(n * 100 + i)) });
    }
    const all = await call('GET', '/api/v1/journal');
    expect(all.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = all.body
      .trim()
      .split('\n')
      .map((line: string) => JSON.parse(line));
    expect(lines).toHaveLength(1300);
    let prev = genesis;
    for (const { seq, bytes, hash, prev: named } of lines) {
      expect(named).toBe(prev);
      expect(entryHash(prev, seq, bytes)).toBe(hash);
      prev = hash;
    }
    expect(lines[7]).toMatchObject({
      seq: 8,
      stream: 'system',
      kind: 'halt.set',
      version: 2,
      actor: { id: 'alice' },
      at: '1970-01-01T00:00:01.007Z',
      fact: { reason: 'r7' },
    });
    const tail = await call('GET', '/api/v1/journal?after=1298');
    expect(
      tail.body
        .trim()
        .split('\n')
        .map((line: string) => JSON.parse(line).seq),
    ).toEqual([1299, 1300]);
    expect((await call('GET', '/api/v1/journal?after=1300')).body).toBe('');
    expect((await call('GET', '/api/v1/journal?after=5&limit=2')).body.trim().split('\n')).toHaveLength(2);
    expect((await call('GET', '/api/v1/journal?after=-1')).status).toBe(400);
  });

  test('a reader that does not read holds no more than a batch in memory', async () => {
    world = await createWorld();
    const entry = (n: number): NewEntry => ({
      stream: 'system',
      actor: alice,
      at: n,
      fact: { kind: 'halt.set', reason: 'x'.repeat(2000) },
    });
    for (let n = 0; n < 40; n++) await world.store.commit({ entries: Array.from({ length: 100 }, (_, i) => entry(i)) });
    const reads: number[] = [];
    const rows = world.store.journalRows.bind(world.store);
    world.store.journalRows = query => {
      reads.push(query.after);
      return rows(query);
    };
    const response = await fetch(`${world.url}/api/v1/journal`, { headers: token });
    for (let idle = 0; idle < 200; idle++) await new Promise(resolve => setImmediate(resolve));
    const before = reads.length;
    expect(before).toBeLessThan(8);
    const text = await response.text();
    expect(text.trim().split('\n')).toHaveLength(4000);
    expect(reads.length).toBeGreaterThan(before);
  });
});

test('explain shows every runbook and rule, and runbooks lists what is loaded', async () => {
  world = await createWorld();
  expect((await call('GET', '/api/v1/explain/alt_0000000001')).body).toEqual(anExplanation);
  expect((await call('GET', '/api/v1/explain/alt_0000000009')).status).toBe(404);
  expect((await call('GET', '/api/v1/explain/alt_1%20run%20x')).status).toBe(400);
  expect((await call('GET', '/api/v1/runbooks')).body).toMatchObject([{ id: 'restart-service', risk: 'medium' }]);
});
