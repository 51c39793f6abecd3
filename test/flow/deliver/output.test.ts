import { afterEach, describe, expect, it } from 'vitest';
import { postsLock } from '../../../src/flow/thread/parts.ts';
import { sha256 } from '../../../src/kernel/canonical.ts';
import type { Post } from '../../../src/model/card.ts';
import type { Row } from '../../../src/ports/store.ts';
import { samplePost, sampleRun } from '../../contracts/samples.ts';
import { createHarness, type Harness } from './harness.ts';
import { card, edited, root, runPost } from './posts.ts';

let harness: Harness;
afterEach(() => harness.close());

const outputs = (run: string) => harness.chat.seen.filter(seen => seen.key === `output/${run}/clean`);

function chunk(run: string, seq: number, text: string, step = 'clean'): Row {
  return { table: 'output', doc: { run, step, attempt: 1, seq, text, at: harness.clock.now() } };
}

/** What the projection leaves of a step that ended. */
async function finalOutput(run: string, tail: string): Promise<Post> {
  return await edited(harness, `output/${run}/clean`, {
    card: card('Output of Clean up', { blocks: [{ kind: 'output', run, step: 'clean', tail, live: false }] }),
  });
}

describe('live output', () => {
  it('of one run alone is one message that is never more than three seconds behind', async () => {
    harness = await createHarness();
    await harness.put(root('disk'), runPost('disk', 'r1'));
    await harness.settle();
    const start = harness.clock.monotonic();
    let behind = 0;
    let printed: { line: string; at: number }[] = [];
    for (let line = 1; line <= 600; line++) {
      const text = `line ${line}.`;
      printed.push({ line: text, at: harness.clock.monotonic() });
      await harness.commit(chunk('r1', line, `${text}\n`));
      await harness.pass(200);
      const shown = outputs('r1').at(-1)?.text ?? '';
      const last = printed.findLastIndex(one => shown.includes(one.line));
      if (last >= 0) printed = printed.slice(last + 1);
      behind = Math.max(behind, harness.clock.monotonic() - (printed[0]?.at ?? harness.clock.monotonic()));
    }
    expect(behind).toBeLessThanOrEqual(3000);
    expect(harness.clock.monotonic() - start).toBe(120_000);
    expect(outputs('r1').filter(seen => seen.what === 'post')).toHaveLength(1);
    const times = outputs('r1').map(seen => seen.at);
    for (const [index, at] of times.entries())
      if (index > 0) expect(at - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(1000);
    expect(harness.chat).toMatchObject({ tooMany: 0, orphans: [] });
    // Nothing was written for what was only shown.
    expect(await harness.store.post('slack', 'output/r1/clean')).toMatchObject({ wanted: 1, delivered: 1 });
    expect((await harness.store.head()).seq).toBe(0);
  });

  it('is posted as soon as a step prints for the first time: whoever approved it waits for that', async () => {
    harness = await createHarness({ step: 10 });
    await harness.put(root('disk'), runPost('disk', 'r1'));
    await harness.settle();
    await harness.pass(3000);
    const printed = harness.clock.monotonic();
    // The chunk is no entry of the journal, so nothing else tells of it.
    await harness.store.commit({ rows: [chunk('r1', 1, 'the first line\n')] });
    harness.outputs.wake('r1');
    await harness.pass(450);
    expect(outputs('r1').map(seen => seen.text)).toEqual([expect.stringContaining('the first line')]);
    expect((outputs('r1')[0]?.at ?? Number.NaN) - printed).toBeLessThanOrEqual(50);
  });

  it('of several runs is posted for each, also when the projection stores the final text of one first', async () => {
    harness = await createHarness();
    await harness.put(root('disk'), runPost('disk', 'r1'), root('cpu'), runPost('cpu', 'r2'));
    await harness.settle();
    const projected = Promise.withResolvers<void>();
    const projection = harness.mutex.with(postsLock, async () => {
      await projected.promise;
      const block = { kind: 'output' as const, run: 'r1', step: 'clean', tail: 'all that it said', live: false };
      const doc = samplePost({
        ...{
          platform: 'slack',
          channel: '#ops',
          key: 'output/r1/clean',
          thread: 'alert/disk/1',
          run: 'r1',
          over: true,
        },
        ...{ card: card('Output of Clean up', { blocks: [block] }), createdAt: harness.clock.now() },
      });
      await harness.store.commit({ rows: [{ table: 'post', doc }] });
    });
    await harness.store.commit({ rows: [chunk('r1', 1, 'first of r1\n'), chunk('r2', 1, 'first of r2\n')] });
    for (const run of ['r1', 'r2']) harness.outputs.wake(run);
    await harness.pass(1000);
    projected.resolve();
    await projection;
    await harness.pass(3000);
    expect(outputs('r2').map(seen => seen.text)).toEqual([expect.stringContaining('first of r2')]);
    expect(outputs('r1').filter(seen => seen.what === 'post')).toHaveLength(1);
    expect(harness.delivery.trouble()).toBeNull();
  });

  it('shows the last whole lines, and at the end what was printed last', async () => {
    harness = await createHarness();
    await harness.put(root('disk'), runPost('disk', 'r1'));
    await harness.commit(chunk('r1', 1, Array.from({ length: 500 }, (_, n) => `line ${n}\n`).join('')));
    await harness.pass(8000);
    const shown = outputs('r1').at(-1)?.text ?? '';
    expect(shown.split('\n')).toHaveLength(20);
    expect(shown).toMatch(/^line 480\n/);
    expect(shown).toMatch(/line 499$/);
    const log = `${Array.from({ length: 900 }, (_, n) => `line ${n}\n`).join('')}the end\n`;
    await harness.feed.commit({
      blobs: [{ digest: sha256(log), bytes: log }],
      entries: [
        {
          stream: 'run/r1',
          actor: { kind: 'system', id: 'tocsin' },
          at: 1,
          fact: {
            kind: 'step.finished',
            run: 'r1',
            step: 'clean',
            attempt: 1,
            state: 'done',
            output: {},
            exitCode: 0,
            because: null,
            ending: null,
            log: sha256(log),
          },
        },
      ],
      rows: [
        { table: 'run', doc: sampleRun({ id: 'r1' }) },
        { table: 'post', doc: await edited(harness, 'run/r1', runPost('disk', 'r1', {}, 'done')) },
        { table: 'post', doc: await finalOutput('r1', 'only what stdout had') },
      ],
    });
    await harness.put({ key: 'log/r1', thread: 'alert/disk/1', run: 'r1', card: card('Full log of r1'), over: true });
    await harness.settle();
    expect(outputs('r1').at(-1)?.text).toContain('line 899\nthe end');
    expect(harness.chat.shown.get('output/r1/clean')?.badge).toBeNull();
    const [file] = harness.chat.seen.filter(seen => seen.what === 'file');
    expect(file).toMatchObject({ channel: '#ops', key: 'log/r1' });
    expect(file?.text).toMatch(/^disk-full-r1\.log\n== clean ==\nline 0\nline 1\n/);
    expect(file?.text).toMatch(/line 899\nthe end\n\n$/);
    // The step is over: what another node still prints is not shown any more.
    const count = outputs('r1').length;
    await harness.commit(chunk('r1', 2, 'late\n'));
    await harness.pass(5000);
    expect(outputs('r1')).toHaveLength(count);
  });

  it('is edited once a second at most where nothing else limits it, the last edit included', async () => {
    harness = await createHarness({ capabilities: { maxText: 4000, streams: false, editEvery: 1000 } });
    await harness.put(root('disk'), runPost('disk', 'r1'));
    for (let line = 1; line <= 100; line++) {
      await harness.commit(chunk('r1', line, `line ${line}\n`));
      await harness.pass(100);
    }
    await harness.put(await finalOutput('r1', 'the end'));
    await harness.settle();
    const times = outputs('r1').map(seen => seen.at);
    expect(times.length).toBeGreaterThanOrEqual(8);
    for (const [index, at] of times.entries())
      if (index > 0) expect(at - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(1000);
    expect(outputs('r1').at(-1)?.text).toBe('the end');
  });

  it('comes after the card of its run, also when both wait', async () => {
    harness = await createHarness();
    await harness.put(root('disk'), runPost('disk', 'r1', { order: 7 }));
    await harness.put({ key: 'log/r1', thread: 'alert/disk/1', run: 'r1', order: 7, card: card('log') });
    await harness.put({ key: 'output/r1/clean', thread: 'alert/disk/1', run: 'r1', order: 7, card: card('output') });
    await harness.settle();
    expect(harness.chat.seen.map(seen => seen.title)).toEqual(['disk', 'r1', 'output']);
  });

  it('whose message somebody deleted is posted anew once, and edited from then on', async () => {
    harness = await createHarness();
    await harness.put(root('disk'), runPost('disk', 'r1'));
    await harness.commit(chunk('r1', 1, 'one\n'));
    await harness.settle();
    const first = (await harness.store.post('slack', 'output/r1/clean'))?.ref ?? '';
    harness.chat.deleted.add(first);
    for (let line = 2; line < 12; line++) {
      await harness.commit(chunk('r1', line, `line ${line}\n`));
      await harness.pass(2000);
    }
    expect(outputs('r1').filter(seen => seen.what === 'post')).toHaveLength(2);
    expect(outputs('r1').at(-1)?.text).toContain('line 11');
    expect((await harness.store.post('slack', 'output/r1/clean'))?.ref).not.toBe(first);
  });

  it('goes on after a restart, from what is stored', async () => {
    harness = await createHarness();
    await harness.put(root('disk'), runPost('disk', 'r1'));
    await harness.commit({ table: 'run', doc: sampleRun({ id: 'r1', state: 'running' }) }, chunk('r1', 1, 'one\n'));
    await harness.pass(5000);
    await harness.restart();
    await harness.commit(chunk('r1', 2, 'two\n'));
    await harness.pass(5000);
    expect(outputs('r1').map(seen => seen.what)).toEqual(['post', 'edit']);
    expect(outputs('r1').at(-1)?.text).toContain('one\ntwo');
  });

  it('links to the console where the platform takes no files, or refuses them', async () => {
    harness = await createHarness({ uploads: false });
    const log = 'all of it\n';
    const fact = { kind: 'step.finished' as const, run: 'r1', step: 'clean', attempt: 1, state: 'done' as const };
    await harness.feed.commit({
      blobs: [{ digest: sha256(log), bytes: log }],
      rows: [{ table: 'run', doc: sampleRun({ id: 'r1' }) }],
      entries: [
        {
          stream: 'run/r1',
          actor: { kind: 'system', id: 'tocsin' },
          at: 1,
          fact: { ...fact, output: {}, exitCode: 0, because: null, ending: null, log: sha256(log) },
        },
      ],
    });
    await harness.put(root('disk'), { key: 'log/r1', thread: 'alert/disk/1', run: 'r1', card: card('Full log of r1') });
    await harness.settle();
    expect(harness.chat.seen.map(seen => [seen.what, seen.title])).toEqual([
      ['post', 'disk'],
      ['post', 'Full log of r1'],
    ]);
  });
});

describe('fifty megabytes of output over twenty runs', () => {
  it('share the method’s tier: each is shown as often as the others, a decision at once, and nothing is refused', async () => {
    harness = await createHarness({ step: 250 });
    const runs = Array.from({ length: 20 }, (_, n) => `r${n}`);
    for (const run of runs)
      await harness.put(root(run, { channel: `#${run}` }), runPost(run, run, { channel: `#${run}` }));
    await harness.put({
      key: 'approval/p',
      thread: 'alert/r0/1',
      channel: '#r0',
      card: card('Run it?', { tone: 'ask' }),
      over: false,
    });
    await harness.settle();
    harness.chat.seen.length = 0;
    const line = `${'x'.repeat(99)}\n`;
    const block = line.repeat(420);
    const decisions: number[] = [];
    let bytes = 0;
    for (let second = 1; second <= 60; second++) {
      await harness.commit(...runs.map(run => chunk(run, second, `${block}second ${second}\n`)));
      bytes += runs.length * block.length;
      if (second % 20 === 0) {
        const asked = harness.clock.monotonic();
        await harness.put(await edited(harness, 'approval/p', { card: card(`Run it? ${second}`, { tone: 'ask' }) }));
        await harness.pass(2000);
        const seen = harness.chat.seen.find(one => one.title === `Run it? ${second}`);
        decisions.push((seen?.at ?? Number.POSITIVE_INFINITY) - asked);
      }
      await harness.pass(4000);
    }
    expect(bytes).toBeGreaterThanOrEqual(50_000_000);
    expect(harness.chat.tooMany).toBe(0);
    const shown = runs.map(run => outputs(run).filter(seen => seen.what === 'edit').length);
    expect(Math.min(...shown)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...shown) - Math.min(...shown)).toBeLessThanOrEqual(1);
    for (const waited of decisions) expect(waited).toBeLessThanOrEqual(1000);
    // As much as the tier allows is used.
    const edits = harness.chat.seen.filter(seen => seen.what === 'edit').length;
    expect(edits).toBeGreaterThan(0.7 * 50 * (harness.clock.monotonic() / 60_000 - 1));
  }, 60_000);

  it('does not let one run’s progress keep another run’s output away', async () => {
    harness = await createHarness();
    const runs = ['busy', 'quiet'];
    for (const run of runs)
      await harness.put(root(run, { channel: `#${run}` }), runPost(run, run, { channel: `#${run}` }));
    await harness.settle();
    for (let second = 1; second <= 60; second++) {
      await harness.commit(...runs.map(run => chunk(run, second, `second ${second}\n`)));
      await harness.put(
        await edited(harness, 'run/busy', {
          card: { ...(runPost('busy', 'busy').card ?? card('')), badge: `${second}` },
        }),
      );
      await harness.pass(1000);
    }
    const count = (key: string) => harness.chat.seen.filter(seen => seen.key === key && seen.what === 'edit').length;
    const quiet = count('output/quiet/clean');
    const busy = count('output/busy/clean') + count('run/busy');
    expect(quiet).toBeGreaterThanOrEqual(15);
    expect(Math.abs(quiet - busy)).toBeLessThanOrEqual(4);
    expect(count('output/busy/clean')).toBeGreaterThanOrEqual(5);
    expect(count('run/busy')).toBeGreaterThanOrEqual(5);
  });
});
