import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it } from 'vitest';
import type { TocsinError } from '../../src/kernel/errors.ts';
import type { Change, Guard, Row } from '../../src/ports/store.ts';
import { createBases } from '../../src/stores/sql/bases.ts';
import { guardFailed, haltFailed, identityTaken, refuseTwins } from '../../src/stores/sql/guards.ts';
import { createApply } from '../../src/stores/sqlite/apply.ts';
import { createGuards, type Guards } from '../../src/stores/sqlite/guards.ts';
import { prepareLeases } from '../../src/stores/sqlite/leases.ts';
import { migrate } from '../../src/stores/sqlite/migrations.ts';
import { sampleAlert, sampleApproval, sampleEntry, samplePost, sampleRun } from '../contracts/samples.ts';

// The guards by themselves, on a database in memory: what they refuse, and exactly what they say of it.
let db: DatabaseSync;
let guards: Guards;
let now: number;
let apply: (change: Change) => void;

beforeEach(() => {
  db = new DatabaseSync(':memory:');
  now = 1000;
  migrate(db, now);
  guards = createGuards(
    db,
    prepareLeases(db, () => now),
    () => now,
  );
  const prepared = createApply(db, guards, () => now, createBases());
  const head = { seq: 0, hash: '', stamp: 0 };
  apply = change => void prepared(change).work(Object.assign(head, { lengths: new Map() }));
});

const newTransaction = () => ({ seq: 0, hash: '', stamp: 0, lengths: new Map<string, number>() });

/** What a change is refused with; null when it is taken. Nothing is changed by asking. */
function refusal(change: Change): Pick<TocsinError, 'code' | 'at' | 'allowed' | 'given'> | null {
  try {
    guards.check(change, newTransaction());
    return null;
  } catch (error) {
    const { code, at, allowed, given } = error as TocsinError;
    return { code, at, allowed, given };
  }
}
const ask = (...list: Guard[]) => refusal({ guards: list });
const failed = (at: string, allowed: string, given: string) => ({ code: 'guard-failed', at, allowed, given });
const claim = (key: string, over: Partial<Guard & { kind: 'claim' }> = {}): Guard => ({
  kind: 'claim',
  space: 's',
  key,
  at: now,
  keep: null,
  ...over,
});

describe('the guard of a stream', () => {
  it('holds at exactly its length', () => {
    const stream = (version: number, name = 'alert/a'): Guard => ({ kind: 'stream', stream: name, version });
    expect([guards.length('alert/a', newTransaction()), ask(stream(0))]).toEqual([0, null]);
    expect(ask(stream(1))).toEqual(failed('stream alert/a', '1 entries', '0'));
    apply({ entries: [sampleEntry('x', 'alert/a'), sampleEntry('y', 'alert/a'), sampleEntry('z', 'alert/b')] });
    expect([
      guards.length('alert/a', newTransaction()),
      guards.length('alert/b', newTransaction()),
      guards.length('alert/c', newTransaction()),
    ]).toEqual([2, 1, 0]);
    expect([ask(stream(2)), ask(stream(1, 'alert/b'))]).toEqual([null, null]);
    expect(ask(stream(1))).toEqual(failed('stream alert/a', '1 entries', '2'));
    expect(ask(stream(3))).toEqual(failed('stream alert/a', '3 entries', '2'));
  });
});

describe('a claim', () => {
  it('is made once, in its space', () => {
    expect([guards.claimed({ space: 's', key: 'k' }), ask(claim('k'))]).toEqual([false, null]);
    apply({ guards: [claim('k')] });
    expect(guards.claimed({ space: 's', key: 'k' })).toBe(true);
    expect(ask(claim('k'))).toEqual(failed('claim s/k', 'one claim', 'a second one'));
    expect(ask(claim('k', { space: 't' }), claim('l'))).toBeNull();
    expect(guards.claimed({ space: 't', key: 'k' })).toBe(false);
  });

  it('is kept for its time, to the millisecond, and for ever without one', () => {
    apply({ guards: [claim('short', { keep: 500 }), claim('long')] });
    now = 1499;
    expect(ask(claim('short'))).toMatchObject({ given: 'a second one' });
    now = 1500;
    expect(ask(claim('short'))).toBeNull();
    apply({ guards: [claim('short', { keep: 500 })] });
    now = 1999;
    expect(guards.claimed({ space: 's', key: 'short' })).toBe(true);
    now = 10 ** 12;
    expect([guards.claimed({ space: 's', key: 'short' }), guards.claimed({ space: 's', key: 'long' })]).toEqual([
      false,
      true,
    ]);
  });

  it('is swept once its time is over, after 256 new ones; those that hold stay', () => {
    const count = () => Number(db.prepare('select count(*) as n from claim').get()?.['n']);
    apply({ guards: Array.from({ length: 100 }, (_, n) => claim(`old${n}`, { keep: 1 })) });
    apply({ guards: [claim('kept', { keep: 100_000 }), claim('for ever')] });
    now = 2000;
    for (let n = 0; n < 153; n++) apply({ guards: [claim(`a${n}`)] });
    expect(count()).toBe(255);
    apply({ guards: [claim('the 256th')] });
    expect(count()).toBe(156);
    expect(guards.claimed({ space: 's', key: 'kept' })).toBe(true);
    expect(guards.claimed({ space: 's', key: 'for ever' })).toBe(true);
    expect(guards.claimed({ space: 's', key: 'the 256th' })).toBe(true);
  });

  it('is swept in parts, the oldest first', () => {
    const insert = db.prepare('insert into claim values (?, ?, ?, ?)');
    for (let n = 0; n < 1100; n++) insert.run('s', `old${n}`, 1, 500 + n);
    now = 5000;
    apply({ guards: Array.from({ length: 256 }, (_, n) => claim(`n${n}`)) });
    const left = db.prepare("select key from claim where key like 'old%' order by until").all();
    expect(left.map(row => row['key'])).toEqual(Array.from({ length: 76 }, (_, n) => `old${1024 + n}`));
  });

  it('cannot be made twice in one change, whatever its time', () => {
    expect(ask(claim('k'), claim('l'), claim('k', { keep: 5 }))).toEqual(
      failed('claim s/k', 'one claim', 'two in one change'),
    );
    expect(ask(claim('k'), claim('k', { space: 't' }))).toBeNull();
    // Of another space and key that would read the same together.
    expect(() => refuseTwins([claim('b/c', { space: 'a' }), claim('c', { space: 'a/b' })])).not.toThrow();
    expect(() => refuseTwins([{ kind: 'halt' }, { kind: 'halt' }])).not.toThrow();
  });
});

describe('a lease', () => {
  const lease = (token: number, release?: boolean): Guard => ({
    kind: 'lease',
    name: 'run/r',
    token,
    ...(release === undefined ? {} : { release }),
  });
  const take = (holder: string, token: number, ttl = 100): Guard => ({
    kind: 'take',
    name: 'run/r',
    holder,
    token,
    ttl,
  });
  const row = () => ({ ...db.prepare("select holder, token, until from lease where name = 'run/r'").get() });

  it('guards by its present token alone', () => {
    expect(ask(lease(1))).toEqual(failed('lease run/r', 'the present token', '1'));
    apply({ guards: [take('a', 1)] });
    expect(row()).toEqual({ holder: 'a', token: 1, until: 1100 });
    expect(ask(lease(1))).toBeNull();
    expect(ask(lease(2))).toMatchObject({ at: 'lease run/r', given: '2' });
    // Its time may be over: while nobody else took it, it is the newest.
    now = 5000;
    expect(ask(lease(1))).toBeNull();
  });

  it('is taken when it is free or its time is over, with the next token', () => {
    const next = (token: number | null, given: number) =>
      failed('take run/r', `a free lease with the next token ${token}`, `${given}`);
    expect(ask(take('a', 2))).toEqual(next(1, 2));
    apply({ guards: [take('a', 1)] });
    expect(ask(take('b', 2))).toEqual(next(null, 2));
    expect(ask(take('a', 2))).toBeNull();
    now = 1099;
    expect(ask(take('b', 2))).toEqual(next(null, 2));
    now = 1100;
    expect(ask(take('b', 2))).toBeNull();
    expect(ask(take('b', 1))).toEqual(next(2, 1));
  });

  it('is given back with the change that says so, and with no other', () => {
    apply({ guards: [take('a', 1)] });
    apply({ guards: [lease(1)] });
    apply({ guards: [lease(1, false)] });
    expect(row()).toMatchObject({ holder: 'a', token: 1 });
    apply({ guards: [lease(1, true)] });
    expect(row()).toMatchObject({ holder: null, token: 1 });
    expect(ask(lease(1))).toEqual(failed('lease run/r', 'the present token', '1'));
    expect(ask(take('b', 2))).toBeNull();
  });
});

describe('a halt', () => {
  it('refuses what must not begin', () => {
    expect(ask({ kind: 'halt' })).toBeNull();
    apply({ rows: [{ table: 'halt', doc: { by: 'alice', reason: 'incident', at: 1 } }] });
    expect(ask({ kind: 'halt' })).toEqual(failed('halt everything', 'nothing halted', 'a halt'));
    expect(ask(claim('k'))).toBeNull();
    apply({ rows: [{ table: 'halt', doc: null }] });
    expect(ask({ kind: 'halt' })).toBeNull();
  });
});

describe('the stamp of a post', () => {
  it('is that of the row, by platform and key; 0 where there is none', () => {
    const guard = (changed: number, platform = 'slack', key = 'alert/a/1'): Guard => ({
      kind: 'post',
      platform,
      key,
      changed,
    });
    expect(ask(guard(0))).toBeNull();
    expect(ask(guard(1))).toEqual(failed('post slack/alert/a/1', 'stamp 1', '0'));
    apply({ rows: [{ table: 'post', doc: samplePost({ platform: 'slack', key: 'alert/a/1' }) }] });
    const stamp = Number(db.prepare('select changed from post').get()?.['changed']);
    expect(stamp).toBeGreaterThan(0);
    expect(ask(guard(stamp))).toBeNull();
    expect(ask(guard(0))).toEqual(failed('post slack/alert/a/1', 'stamp 0', `${stamp}`));
    expect([ask(guard(0, 'discord')), ask(guard(0, 'slack', 'alert/b/1'))]).toEqual([null, null]);
  });
});

describe('a document', () => {
  const docs: [string, (version: number) => Row][] = [
    ['alert', version => ({ table: 'alert', doc: sampleAlert({ id: 'x', version }) })],
    ['run', version => ({ table: 'run', doc: sampleRun({ id: 'x', version }) })],
    ['approval', version => ({ table: 'approval', doc: sampleApproval({ id: 'x', version }) })],
  ];
  it.each(docs)('%s is never replaced by an older one', (table, doc) => {
    apply({ rows: [doc(5)] });
    expect(refusal({ rows: [doc(4)] })).toEqual(failed(`row ${table}/x`, 'version 5 or later', '4'));
    expect(refusal({ rows: [doc(5)] })).toBeNull();
    expect(refusal({ rows: [doc(6)] })).toBeNull();
    // Each of the rows is looked at.
    expect(refusal({ rows: [{ table: 'cursor', name: 'c', value: 1 }, doc(6), doc(1)] })?.given).toBe('1');
  });

  it('of another id or table is another one', () => {
    apply({ rows: [{ table: 'run', doc: sampleRun({ id: 'x', version: 5 }) }] });
    expect(refusal({ rows: [{ table: 'run', doc: sampleRun({ id: 'y', version: 1 }) }] })).toBeNull();
    expect(refusal({ rows: [{ table: 'approval', doc: sampleApproval({ id: 'x', version: 1 }) }] })).toBeNull();
  });

  it('of an alert has an identity of its own', () => {
    const alert = (id: string, fingerprint: string, source = 'am', version = 1): Row => ({
      table: 'alert',
      doc: sampleAlert({ id, fingerprint, source, version }),
    });
    apply({ rows: [alert('a', 'f')] });
    expect(refusal({ rows: [alert('b', 'f')] })).toEqual(
      failed('row alert/b', 'an identity that no alert has', 'that of a'),
    );
    expect(refusal({ rows: [alert('b', 'g')] })).toBeNull();
    expect(refusal({ rows: [alert('b', 'f', 'other')] })).toBeNull();
    expect(refusal({ rows: [alert('a', 'f', 'am', 2)] })).toBeNull();
  });
});

describe('several guards', () => {
  it('are all checked, in their order, and nothing is carried out by checking', () => {
    const held = claim('k');
    expect(ask(held, { kind: 'stream', stream: 'alert/a', version: 9 }, claim('l'))).toMatchObject({
      at: 'stream alert/a',
    });
    expect(guards.claimed({ space: 's', key: 'k' })).toBe(false);
    expect(refusal({})).toBeNull();
    expect(() => guards.carryOut({})).not.toThrow();
  });

  it('are told apart by what cannot be stored as it is', () => {
    apply({ guards: [claim('a\0b'), claim('\ud800')] });
    expect(guards.claimed({ space: 's', key: 'a\0b' })).toBe(true);
    expect(guards.claimed({ space: 's', key: 'a\0c' })).toBe(false);
    expect(guards.claimed({ space: 's', key: '\ud801' })).toBe(false);
    apply({ entries: [sampleEntry('x', 'alert/\ud800')] });
    expect([guards.length('alert/\ud800', newTransaction()), guards.length('alert/\ud801', newTransaction())]).toEqual([
      1, 0,
    ]);
  });
});

describe('the words of a refusal', () => {
  it('name what was guarded, what was allowed and what was there', () => {
    expect(guardFailed('kind', 'name', 'this', 'that')).toMatchObject(failed('kind name', 'this', 'that'));
    expect(identityTaken('a', 'b')).toMatchObject(failed('row alert/a', 'an identity that no alert has', 'that of b'));
    expect(haltFailed()).toMatchObject(failed('halt everything', 'nothing halted', 'a halt'));
  });
});
