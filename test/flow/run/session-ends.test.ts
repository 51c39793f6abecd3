import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import type { Run } from '../../../src/model/run.ts';
import type { Change, Store } from '../../../src/ports/store.ts';
import { basicConfig, type Files, startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto } from '../files.ts';

const typescript = (body: string) => `import { appendFileSync } from 'node:fs';
import { defineRunbook, z } from 'tocsin';
export default defineRunbook({ title: 'Fix', risk: 'none', params: z.object({}), on: [], async run({ step }) {
  ${body}
} });`;

let folder: string;
let test: TestApp;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-ends-'));
});
afterEach(async () => {
  await test.stop();
  await rm(folder, { recursive: true, force: true });
});

async function begin(files: Files, wrapStore?: (store: Store) => Store): Promise<string> {
  test = await startTestApp(
    { 'policy.yaml': auto, ...files },
    { folder, keep: true, ...(wrapStore !== undefined && { wrapStore }) },
  );
  return (await test.call('POST', '/api/v1/runs', { body: { runbook: 'fix', params: {}, reason: null } })).body.id;
}

const states = (run: Run | null) => run?.steps.map(({ id, state }) => `${id} ${state}`);
const starts = (change: Change, step: string) =>
  (change.entries ?? []).some(({ fact }) => fact.kind === 'step.started' && fact.step === step);
const kinds = async (id: string) => (await test.app.store.stream(`run/${id}`)).map(({ fact }) => fact.kind);

describe('a session', () => {
  it('keeps the results of other steps when one start is refused, and ends by what was refused', async () => {
    let refused = false;
    const body = `await Promise.all([
      (async () => { await step.exec('one', ['true']); await step.exec('two', ['true']); })(),
      step.exec('long', ['sleep', '1']),
    ]);`;
    const id = await begin({ 'runbooks/fix.ts': typescript(body) }, store => ({
      ...store,
      async commit(change) {
        if (refused || !starts(change, 'two')) return await store.commit(change);
        refused = true;
        throw new TocsinError('store-failed', { message: 'The disk is full.' });
      },
    }));
    const run = await test.ended(id);
    expect(run).toMatchObject({ state: 'failed', because: expect.stringContaining('The disk is full.') });
    expect(states(run)).toEqual(['one done', 'long done']);
  });

  it('keeps a result that shares its change with what would not read back', async () => {
    const yaml = `title: Fix\nrisk: none\nsteps:\n  - { id: first, exec: [sh, -c, "echo ran >> ${folder}/ran"], idempotent: true }\n  - { id: second, exec: ["true"] }\n`;
    let spoilt = 0;
    const id = await begin({ 'runbooks/fix.yaml': yaml }, store => ({
      ...store,
      async commit(change) {
        if (!starts(change, 'second')) return await store.commit(change);
        spoilt += 1;
        return await store.commit({ ...change, rows: [{ table: 'halt', doc: { by: 'x', reason: 'x', at: 0.5 } }] });
      },
    }));
    const run = await test.ended(id);
    expect(run).toMatchObject({ state: 'failed', because: expect.stringContaining('would not read back') });
    expect(states(run)).toEqual(['first done', 'second pending']);
    expect(await readFile(join(folder, 'ran'), 'utf8')).toBe('ran\n');
    expect(spoilt).toBeGreaterThan(0);
  });

  it('ends a run whose result cannot be recorded, and says so', async () => {
    const yaml = 'title: Fix\nrisk: none\nsteps:\n  - { id: only, exec: ["true"] }\n';
    const id = await begin({ 'runbooks/fix.yaml': yaml }, store => ({
      ...store,
      async commit(change) {
        if ((change.entries ?? []).some(({ fact }) => fact.kind === 'step.finished'))
          throw new TocsinError('store-failed', { message: 'It does not read back.' });
        return await store.commit(change);
      },
    }));
    const run = await test.ended(id);
    expect(run).toMatchObject({ state: 'failed', because: expect.stringContaining('It does not read back.') });
    expect(states(run)).toEqual(['only unknown']);
  });

  it('records what its branches came to before it gives the lease back to a process that stops', async () => {
    const order: string[] = [];
    const yaml = `title: Fix
risk: none
steps:
  - id: both
    parallel:
      - id: polite
        script: "trap 'sleep 0.3; exit 0' TERM; echo up > ${folder}/up; sleep 30 & wait"
      - id: cut
        exec: [sleep, "30"]
`;
    const id = await begin(
      { 'tocsin.yaml': `${basicConfig}run: { grace: 1s }\n`, 'runbooks/fix.yaml': yaml },
      store => ({
        ...store,
        async commit(change) {
          const committed = await store.commit(change);
          for (const { fact } of committed.entries) if ('step' in fact) order.push(`${fact.kind} ${fact.step}`);
          return committed;
        },
        async release(lease) {
          if (lease.name.startsWith('run/')) order.push('given back');
          await store.release(lease);
        },
      }),
    );
    await test.until(async () => await readFile(join(folder, 'up'), 'utf8').catch(() => null));
    await test.until(async () => states(await test.app.store.run(id))?.includes('both/cut running'));
    await test.stop();
    expect(order.slice(2).sort()).toEqual(['given back', 'step.finished both/polite', 'step.interrupted both/cut']);
    expect(order.at(-1)).toBe('given back');
  });

  it.each([
    ['ts', { 'runbooks/fix.ts': 'CODE' }],
    ['yaml', { 'runbooks/fix.yaml': 'title: Fix\nrisk: none\nsteps:\n  - { id: one, exec: ["true"] }\n' }],
  ])('begins nothing of a run that is cancelled while its snapshot is read: %s', async (_kind, files: Files) => {
    const code = typescript(`appendFileSync('${join(folder, 'ran')}', 'ran'); await step.exec('one', ['true']);`);
    const texts = Object.entries(files).map(([path, text]) => [path, text === 'CODE' ? code : text]);
    let cancelled: Promise<unknown> | null = null;
    const id = await begin(Object.fromEntries(texts), store => ({
      ...store,
      async blob(digest) {
        const [run] = await store.runs({});
        if (run !== undefined)
          cancelled ??= test.call('POST', `/api/v1/runs/${run.id}/cancel`, { body: { reason: 'no' } });
        await cancelled;
        return await store.blob(digest);
      },
    }));
    expect(await test.ended(id)).toMatchObject({ state: 'cancelled' });
    // The session that was about to begin it is over when the process has stopped.
    await test.stop();
    expect(await readFile(join(folder, 'ran'), 'utf8').catch(() => null)).toBeNull();
    test = await startTestApp({ 'policy.yaml': auto }, { folder, keep: true });
    expect(await kinds(id)).toEqual(['run.created', 'run.cancelling', 'run.finished']);
  });

  it('is begun again for what nobody knows of one branch, while another waits', async () => {
    const files = {
      'tocsin.yaml': `${basicConfig}run: { grace: 1s }\n`,
      'runbooks/fix.yaml': `title: Fix
risk: none
steps:
  - id: both
    parallel:
      - id: ask
        approve: { ask: "Go on?", by: sre, expires: 30m }
      - id: work
        exec: [sleep, "30"]
`,
    };
    const id = await begin(files);
    const reach = (wanted: string) => test.until(async () => states(await test.app.store.run(id))?.includes(wanted));
    await reach('both/ask waiting');
    await reach('both/work running');
    await test.stop();
    test = await startTestApp({ 'policy.yaml': auto, ...files }, { folder, keep: true });
    await test.until(async () => (await test.app.store.run(id))?.state === 'asking');
    const answer = { step: 'both/work', choice: 'skip', reason: null };
    expect((await test.call('POST', `/api/v1/runs/${id}/answer`, { body: answer })).status).toBeLessThan(300);
    // It waits for its approval again, and says so.
    await test.until(async () => (await test.app.store.run(id))?.state === 'waiting');
    expect(states(await test.app.store.run(id))).toEqual(['both/ask waiting', 'both/work skipped']);
  });
});
