import { describe, expect, test } from 'vitest';
import { createReadBatcher } from '../../src/stores/postgres/read-batcher.ts';
import type { ReadConnection } from '../../src/stores/postgres/read-connection.ts';
import type { Answer, Statement } from '../../src/stores/postgres/session.ts';

/** A connection whose answers come when the test gives them. */
function heldLane() {
  const asked: { statement: Statement; answer: PromiseWithResolvers<Answer> }[] = [];
  let busy = 0;
  const reader: ReadConnection = {
    busy: () => busy,
    async ask(statement) {
      busy += 1;
      const answer = Promise.withResolvers<Answer>();
      asked.push({ statement, answer });
      return await answer.promise.finally(() => {
        busy -= 1;
      });
    },
    close: async () => {},
  };
  const give = (index: number, rows: unknown[]) =>
    asked[index]?.answer.resolve({ rows, count: rows.length, command: 'SELECT' });
  return { reader, give, asked, names: () => asked.map(({ statement }) => statement.name) };
}

const turn = () => new Promise(resolve => setImmediate(() => setImmediate(resolve)));
const byId = (id: string) => ({ name: 'by-id', text: 'select doc from run where id = $1', values: [id] });
const list = { name: 'list', text: 'select doc from run limit $1', values: [9] };

describe('reads of a server', () => {
  test('are gathered while a packet is under way, and the same question is asked once', async () => {
    const { reader, give, names } = heldLane();
    const batcher = createReadBatcher([reader]);
    const [first, again] = [batcher.all(list), batcher.all(list)];
    await turn();
    expect(names()).toEqual(['list']);
    const later = batcher.all(list);
    await turn();
    expect(names()).toEqual(['list']);
    give(0, [{ doc: 'a' }]);
    expect(await first).toEqual([{ doc: 'a' }]);
    expect(await again).toEqual([{ doc: 'a' }]);
    await turn();
    // Asked after the first was sent, so it may not have its answer.
    expect(names()).toEqual(['list', 'list']);
    give(1, []);
    expect(await later).toEqual([]);
  });

  test('go on another connection while one is busy', async () => {
    const [slow, other] = [heldLane(), heldLane()];
    const batcher = createReadBatcher([slow.reader, other.reader]);
    void batcher.all(list);
    await turn();
    const quick = batcher.first(byId('a'));
    await turn();
    expect([slow.names(), other.names()]).toEqual([['list'], ['by-id']]);
    other.give(0, [{ doc: 'a' }]);
    expect(await quick).toEqual({ doc: 'a' });
  });

  test('by key are one statement, and each gets its own row or none', async () => {
    const { reader, give, asked } = heldLane();
    const batcher = createReadBatcher([reader]);
    const found = Promise.all(['a', 'b', 'c', 'a'].map(id => batcher.first(byId(id))));
    await turn();
    expect(asked.map(({ statement }) => statement.name)).toEqual(['by-id-many']);
    expect(asked[0]?.statement.text).toContain('where id = n.v1');
    give(0, [
      { asked: 3, doc: 'of c' },
      { asked: 1, doc: 'of a' },
    ]);
    expect(await found).toEqual([{ doc: 'of a' }, undefined, { doc: 'of c' }, { doc: 'of a' }]);
  });

  test('that fail tell everybody who waits', async () => {
    const { reader, asked } = heldLane();
    const batcher = createReadBatcher([reader]);
    const outcome = Promise.allSettled([batcher.first(byId('a')), batcher.first(byId('b')), batcher.all(list)]);
    await turn();
    for (const { answer } of asked) answer.reject(new Error('gone'));
    expect((await outcome).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    // The next is asked all the same.
    void batcher.all(list);
    await turn();
    expect(asked.length).toBe(3);
  });

  test('are sent anyhow when what is under way does not come back', async () => {
    const { reader, give, names } = heldLane();
    const batcher = createReadBatcher([reader]);
    void batcher.all(list);
    await turn();
    const waits = batcher.first(byId('a'));
    for (let tries = 0; tries < 500 && names().length < 2; tries++)
      await new Promise(resolve => setTimeout(resolve, 5));
    expect(names()).toEqual(['list', 'by-id']);
    give(1, []);
    expect(await waits).toBeUndefined();
  });
});
