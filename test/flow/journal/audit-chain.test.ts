import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  beginning,
  checkCheckpoint,
  createCheckpoint,
  createCheckpointKeys,
  exportJournal,
  type Position,
  verifyJournal,
} from '../../../src/flow/journal/audit.ts';
import { entryHash, genesis } from '../../../src/model/journal.ts';
import type { JournalRow } from '../../../src/ports/store.ts';

// The chain by itself, in memory: what a check reads, where it ends, and exactly what it says.
interface Chain {
  rows: JournalRow[];
  head: Position;
  /** What was asked for, in order. */
  asked: { after: number; limit: number }[];
  heads: number;
}

const streams = ['alert/a', 'run/b', 'alert/c'];

/** A journal of so many entries; the positions of a stream count from 1. */
function chain(count: number): Chain {
  const rows: JournalRow[] = [];
  let prev = genesis;
  for (let seq = 1; seq <= count; seq++) {
    const stream = streams[seq % 3] ?? '';
    const kind = 'note.added';
    const bytes = JSON.stringify({ stream, fact: { kind, text: `${seq}` } });
    const hash = entryHash(prev, seq, bytes);
    const position = rows.filter(row => row.stream === stream).length + 1;
    rows.push({ seq, stream, position, kind, bytes, prev, hash } as JournalRow);
    prev = hash;
  }
  return { rows, head: { seq: count, hash: prev }, asked: [], heads: 0 };
}

function storeOf(made: Chain) {
  return {
    async journalRows({ after = 0, limit }: { after?: number; limit: number }) {
      made.asked.push({ after, limit });
      return made.rows.filter(row => row.seq > after).slice(0, limit);
    },
    async head() {
      made.heads += 1;
      return made.head;
    },
  } as unknown as Parameters<typeof verifyJournal>[0];
}
const verify = (made: Chain, options?: Parameters<typeof verifyJournal>[1]) => verifyJournal(storeOf(made), options);
const at = (made: Chain, seq: number): Position =>
  seq === 0 ? beginning : { seq, hash: made.rows[seq - 1]?.hash ?? '' };
const edit = (made: Chain, seq: number, over: Partial<JournalRow>) => {
  made.rows = made.rows.map(row => (row.seq === seq ? { ...row, ...over } : row));
};

/** Hashes anew from an entry on, as somebody would who knows how. */
function rehash(made: Chain, from: number): void {
  for (const [index, row] of made.rows.entries()) {
    if (row.seq < from) continue;
    const prev = index === 0 ? genesis : (made.rows[index - 1]?.hash ?? '');
    made.rows[index] = { ...row, prev, hash: entryHash(prev, row.seq, row.bytes) };
  }
  made.head = { seq: made.rows.length, hash: made.rows.at(-1)?.hash ?? '' };
}

describe('a check', () => {
  it('begins with nothing at the hash of nothing', () => {
    expect(beginning).toEqual({ seq: 0, hash: genesis });
  });

  it('reads all in pages of five hundred, and ends when nothing is left', async () => {
    const made = chain(1203);
    expect(await verify(made)).toEqual({ at: at(made, 1203), done: true, broken: null });
    expect(made.asked).toEqual([0, 500, 1000, 1203].map(after => ({ after, limit: 500 })));
    expect(made.heads).toBe(1);
  });

  it('reads as much as it may, and goes on from there', async () => {
    const made = chain(1203);
    expect(await verify(made, { limit: 600 })).toEqual({ at: at(made, 600), done: false, broken: null });
    expect(made.asked).toEqual([
      { after: 0, limit: 500 },
      { after: 500, limit: 100 },
    ]);
    made.asked = [];
    expect(await verify(made, { from: at(made, 600), limit: 603 })).toEqual({
      at: at(made, 1203),
      done: false,
      broken: null,
    });
    expect(await verify(made, { from: at(made, 1203), limit: 1 })).toEqual({
      at: at(made, 1203),
      done: true,
      broken: null,
    });
    made.asked = [];
    expect(await verify(made, { limit: 0 })).toEqual({ at: beginning, done: false, broken: null });
    expect(made.asked).toEqual([]);
  });

  it('reads the head again when entries came since', async () => {
    const made = chain(5);
    const store = storeOf(made);
    const stale = { ...made.head };
    const newest = chain(8);
    let heads = 0;
    store.head = async () => (++heads === 1 ? stale : newest.head);
    made.rows = newest.rows;
    expect(await verifyJournal(store)).toEqual({ at: newest.head, done: true, broken: null });
    expect(heads).toBe(2);
  });

  it('stops at the first bad entry: that before it is where the next check goes on', async () => {
    const made = chain(9);
    edit(made, 5, { bytes: '{}' });
    edit(made, 7, { bytes: '{}' });
    const found = await verify(made);
    expect([found.at, found.done]).toEqual([at(made, 4), false]);
    expect(found.broken).toMatchObject({
      code: 'journal-broken',
      at: 'entry 5',
      given: 'its bytes do not have its hash',
    });
  });
});

describe('what is wrong', () => {
  const cases: [name: string, change: (made: Chain) => void, at: string, given: string][] = [
    ['an entry is gone', made => made.rows.splice(3, 1), 'entry 4', 'entry 4 is missing'],
    ['the first is gone', made => made.rows.splice(0, 1), 'entry 1', 'entry 1 is missing'],
    [
      'an entry follows another',
      made => edit(made, 4, { prev: 'f'.repeat(64) }),
      'entry 4',
      'its previous hash is not the hash of the entry before',
    ],
    ['a hash', made => edit(made, 9, { hash: 'f'.repeat(64) }), 'entry 9', 'its bytes do not have its hash'],
    ['a stream', made => edit(made, 4, { stream: 'alert/x' }), 'entry 4', 'its stream column is alert/x'],
    ['a kind', made => edit(made, 4, { kind: 'halt.set' as never }), 'entry 4', 'its kind column is halt.set'],
    ['a position', made => edit(made, 7, { position: 9 }), 'entry 7', 'its position in run/b is 9, not 3'],
    ['a first position', made => edit(made, 1, { position: 2 }), 'entry 1', 'its position in run/b is 2, not 1'],
    ['the tail', made => made.rows.splice(7), 'entry 8', 'it is missing, and the head is entry 9'],
    [
      'the head',
      made => void Object.assign(made, { head: at(made, 7) }),
      'entry 8',
      'it is there, but the head is entry 7',
    ],
    [
      'the hash of the head',
      made => void Object.assign(made.head, { hash: 'f'.repeat(64) }),
      'entry 9',
      'the head has another hash for it',
    ],
  ];
  it.each(cases)('%s', async (_, change, where, given) => {
    const made = chain(9);
    change(made);
    const whole = await verify(made);
    expect(whole.broken).toMatchObject({ code: 'journal-broken', at: where, given });
    expect(whole.done).toBe(false);
    // In parts it is found as well.
    let from: Position = beginning;
    for (let part = 0; part < 20; part++) {
      const found = await verify(made, { from, limit: 2 });
      from = found.at;
      if (found.broken === null && !found.done) continue;
      // A part that begins in the middle takes the first position of a stream as it is.
      if (given.includes('position in run/b is 9')) break;
      expect(found.broken).toMatchObject({ at: where, given });
      break;
    }
  });

  it('bytes that are no entry, though their hash is right', async () => {
    for (const [bytes, given] of [
      ['no json', /^its bytes are no entry: /],
      ['null', /^its bytes are no entry: /],
      ['{"stream":"alert/a"}', /^its bytes are no entry: /],
    ] as const) {
      const made = chain(4);
      edit(made, 3, { bytes });
      rehash(made, 3);
      expect((await verify(made)).broken).toMatchObject({ at: 'entry 3', given: expect.stringMatching(given) });
    }
  });

  it('positions from the middle: the first of a stream is believed, the next must follow', async () => {
    const made = chain(9);
    expect((await verify(made, { from: at(made, 4) })).broken).toBeNull();
    edit(made, 8, { position: 7 });
    // Entries 5 and 8 are of one stream.
    expect((await verify(made, { from: at(made, 4) })).broken).toMatchObject({
      at: 'entry 8',
      given: 'its position in alert/c is 7, not 3',
    });
    expect((await verify(made, { from: at(made, 6) })).broken).toBeNull();
  });
});

describe('the export', () => {
  async function lines(made: Chain, options?: Parameters<typeof exportJournal>[1]) {
    const all: string[] = [];
    for await (const line of exportJournal(storeOf(made), options)) all.push(line);
    return all;
  }

  it('is one line for each entry, in pages of five hundred', async () => {
    const made = chain(1001);
    const all = await lines(made);
    expect(all).toEqual(
      made.rows.map(({ seq, prev, hash, bytes }) => `${JSON.stringify({ seq, prev, hash, bytes })}\n`),
    );
    expect(made.asked).toEqual([0, 500, 1000, 1001].map(after => ({ after, limit: 500 })));
  });

  it('begins behind an entry, and ends with the limit', async () => {
    const made = chain(1001);
    expect((await lines(made, { after: 400, limit: 550 })).map(line => JSON.parse(line).seq)).toEqual(
      Array.from({ length: 550 }, (_, n) => 401 + n),
    );
    expect(made.asked).toEqual([
      { after: 400, limit: 500 },
      { after: 900, limit: 50 },
    ]);
    expect(await lines(made, { limit: 0 })).toEqual([]);
    expect(await lines(chain(0))).toEqual([]);
  });
});

describe('a checkpoint', () => {
  const pair = () => {
    const { privateKey, publicKey } = createCheckpointKeys();
    return { privateKey: createPrivateKey(privateKey), publicKey: createPublicKey(publicKey) };
  };
  const [mine, other] = [pair(), pair()];
  const origin = 'tocsin.example/main';
  const check = (made: Chain, note: string, publicKey: KeyObject = mine.publicKey, of = origin) =>
    checkCheckpoint(storeOf(made), note, { origin: of, publicKey });

  it('holds for the entry that it names, and for none beyond', async () => {
    const made = chain(112);
    for (const seq of [0, 1, 9, 10, 99, 112]) {
      const note = createCheckpoint(origin, at(made, seq), mine.privateKey);
      made.asked = [];
      expect(await check(made, note)).toEqual(at(made, seq));
      expect(made.asked).toEqual(seq === 0 ? [] : [{ after: seq - 1, limit: 1 }]);
    }
  });

  it('of a longer journal tells that the tail is gone', async () => {
    const note = createCheckpoint(origin, chain(9).head, mine.privateKey);
    await expect(check(chain(8), note)).rejects.toMatchObject({
      code: 'journal-broken',
      message: expect.stringContaining('The journal ends before the checkpoint'),
      at: 'entry 9',
      allowed: 'at least 9 entries',
      given: '8',
    });
  });

  it('of another journal tells both hashes; an entry that is not there is none', async () => {
    const made = chain(9);
    const hash = 'e'.repeat(64);
    const note = createCheckpoint(origin, { seq: 5, hash }, mine.privateKey);
    const message = expect.stringContaining('The journal is not the one that the checkpoint was made of.');
    await expect(check(made, note)).rejects.toMatchObject({
      code: 'journal-broken',
      message,
      at: 'entry 5',
      allowed: hash,
      given: at(made, 5).hash,
    });
    const right = createCheckpoint(origin, at(made, 5), mine.privateKey);
    made.rows.splice(4, 1);
    await expect(check(made, right)).rejects.toMatchObject({ message, given: made.rows[4]?.hash });
    made.rows = [];
    await expect(check(made, right)).rejects.toMatchObject({ message, given: 'no entry' });
    const zero = createCheckpoint(origin, { seq: 0, hash }, mine.privateKey);
    await expect(check(made, zero)).rejects.toMatchObject({ message, at: 'entry 0', given: genesis });
  });

  it('is refused by another key or for another origin, with what it is a note of', async () => {
    const made = chain(3);
    const note = createCheckpoint(origin, made.head, mine.privateKey);
    const refused = (given: string, allowed = `a note of ${origin}`) => ({
      code: 'journal-broken',
      message: expect.stringContaining('This is no checkpoint that was signed by this key.'),
      allowed,
      given,
      remedy: expect.stringContaining('belong together'),
    });
    await expect(check(made, note, other.publicKey)).rejects.toMatchObject(refused(`a note of ${origin}`));
    await expect(check(made, note, mine.publicKey, 'x')).rejects.toMatchObject(
      refused(`a note of ${origin}`, 'a note of x'),
    );
    for (const bad of ['', 'x', `\n${note}`, `${note}\n`, note.slice(0, -1), note.replace('\n\n', '\n'), `x\n${note}`])
      await expect(check(made, bad)).rejects.toMatchObject(refused('no note'));
    // Whoever signs under the right name, and the right one who signs something else.
    const [text = ''] = note.split('\n\n');
    const forged = createCheckpoint(origin, made.head, other.privateKey);
    const [, theirs = ''] = forged.split('\n\n');
    await expect(check(made, `${text}\n\n${theirs}`)).rejects.toMatchObject(refused(`a note of ${origin}`));
    const elsewhere = createCheckpoint('x', made.head, mine.privateKey);
    const [, signature = ''] = elsewhere.split('\n\n');
    await expect(check(made, `${text}\n\n${signature}`)).rejects.toMatchObject(refused(`a note of ${origin}`));
    await expect(check(made, `${text}\n\n${signature.replace('x', origin)}`)).rejects.toMatchObject(
      refused(`a note of ${origin}`),
    );
  });

  it('is for the origin in its text, whatever name its signature bears', async () => {
    const made = chain(3);
    const text = `x\n3\n${made.head.hash}\n`;
    const raw = mine.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const sealed = (name: string) => {
      const key = createHash('sha256')
        .update(Buffer.concat([Buffer.from(`${name}\n\x01`), raw]))
        .digest();
      const signature = Buffer.concat([key.subarray(0, 4), sign(null, Buffer.from(text), mine.privateKey)]);
      return `${text}\n\u2014 ${name} ${signature.toString('base64')}\n`;
    };
    expect(await check(made, sealed('x'), mine.publicKey, 'x')).toEqual(made.head);
    for (const [note, of] of [
      [sealed(origin), origin],
      [sealed(origin), 'x'],
      [sealed('x'), origin],
    ] as const)
      await expect(check(made, note, mine.publicKey, of)).rejects.toMatchObject({ given: 'a note of x' });
  });

  it('is refused whatever byte of it is changed', async () => {
    const made = chain(3);
    const note = createCheckpoint(origin, made.head, mine.privateKey);
    for (let n = 0; n < note.length; n++) {
      const changed = `${note.slice(0, n)}${note[n] === '5' ? '6' : '5'}${note.slice(n + 1)}`;
      // The last characters of base64 may have bits that count for nothing.
      const isSame = Buffer.from(changed.split(' ').at(-1) ?? '', 'base64').equals(
        Buffer.from(note.split(' ').at(-1) ?? '', 'base64'),
      );
      if (isSame && changed.split('\n\n')[0] === note.split('\n\n')[0] && n > note.length - 4) continue;
      await expect(check(made, changed), `byte ${n}`).rejects.toMatchObject({ code: 'journal-broken' });
    }
  });

  it('has an origin of one word', () => {
    for (const bad of ['', ' ', 'a b', 'a+b', 'a\nb', 'a ', ' a', '+'])
      expect(() => createCheckpoint(bad, beginning, mine.privateKey)).toThrow(
        expect.objectContaining({
          code: 'bad-request',
          message: expect.stringContaining('This cannot be an origin.'),
          allowed: 'one word without spaces or a plus sign',
          given: bad,
        }),
      );
    for (const good of ['a', 'a.b/c', '\u00e9\u{1f389}']) {
      const note = createCheckpoint(good, beginning, mine.privateKey);
      expect(note.startsWith(`${good}\n0\n${genesis}\n\n\u2014 ${good} `)).toBe(true);
      expect(note.endsWith('\n')).toBe(true);
    }
  });

  it('has the key hash of signed notes: the first four bytes over name, 1 and the raw key', () => {
    const note = createCheckpoint(origin, beginning, mine.privateKey);
    const signature = Buffer.from(note.trim().split(' ').at(-1) ?? '', 'base64');
    const raw = mine.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const hash = createHash('sha256')
      .update(Buffer.concat([Buffer.from(`${origin}\n\x01`), raw]))
      .digest();
    expect(signature.subarray(0, 4)).toEqual(hash.subarray(0, 4));
    expect(signature).toHaveLength(68);
  });
});
