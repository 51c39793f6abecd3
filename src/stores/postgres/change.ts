import { type Entry, entryHash, entryVersion } from '../../model/journal.ts';
import type { Change, Committed, Guard } from '../../ports/store.ts';
import type { Bases } from '../sql/bases.ts';
import { guardFailed, haltFailed, refuseTwins } from '../sql/guards.ts';
import { type ReadyEntry, readyChange, textColumn } from '../sql/packed.ts';
import { toColumn } from '../sql/text.ts';
import type { Batch } from './batch.ts';
import { isFree, putLease } from './lease-rows.ts';
import { prepareRow } from './rows.ts';
import { claimName, type Needs, postName, type View } from './view.ts';

/**
 * One part of a shared transaction. `decide` checks first and changes afterwards, so a `guard-failed` that it throws leaves nothing behind.
 * It may be called again, with another view.
 */
export interface Member<T> {
  /** Bytes that it will write, approximately. */
  size: number;
  need(needs: Needs): void;
  decide(view: View, batch: Batch): T;
}

interface PreparedChange extends Member<Committed> {
  /** Call with its result once it is durable. */
  keep(committed: Committed): Committed;
}

/** Expired claims are deleted after this many new ones. One sweep deletes more than that, so expired claims cannot pile up. */
const sweepEvery = 256;
const sweepMost = 1024;

/** Prepares changes outside of the transaction: all texts are built and checked here. */
export function createChanges(bases: Bases): (change: Change) => PreparedChange {
  let claims = 0;
  return change => {
    const guards = change.guards ?? [];
    const ready = readyChange(change, bases);
    const rows = (change.rows ?? []).map(row => prepareRow(row, ready.baseOf(row)));
    return {
      size: ready.length + sum(rows, row => row.size),
      keep: ready.keep,
      need(needs) {
        for (const { entry } of ready.entries) needs.streams.add(toColumn(entry.stream));
        for (const guard of guards) needGuard(guard, needs);
        for (const row of rows) row.need(needs);
      },
      decide(view, batch) {
        for (const guard of guards) checkGuard(guard, view);
        refuseTwins(guards);
        for (const row of rows) row.check(view);
        for (const guard of guards) {
          if (guard.kind === 'take') takeLease(guard, view, batch);
          if (guard.kind === 'lease' && guard.release === true) releaseLease(guard, view, batch);
          if (guard.kind !== 'claim') continue;
          makeClaim(guard, view, batch);
          claims += 1;
          if (claims % sweepEvery === 0) batch.also(sweep);
        }
        const entries = ready.entries.map(entry => append(view, batch, entry));
        for (const row of rows) row.write(view, batch);
        for (const { base, ...blob } of ready.blobs)
          batch.put('blob', blob.digest, { ...blob, at: view.now, base: base?.seq ?? null }, 'keep');
        return { entries };
      },
    };
  };
}

function needGuard(guard: Guard, needs: Needs): void {
  if (guard.kind === 'stream') needs.streams.add(toColumn(guard.stream));
  if (guard.kind === 'lease' || guard.kind === 'take') needs.leases.add(toColumn(guard.name));
  if (guard.kind === 'halt') needs.halt = true;
  if (guard.kind === 'post') {
    const post = { platform: toColumn(guard.platform), key: toColumn(guard.key) };
    needs.posts.set(postName(post), post);
  }
  if (guard.kind === 'claim') {
    const claim = { space: toColumn(guard.space), key: toColumn(guard.key) };
    needs.claims.set(claimName(claim), claim);
  }
}

function checkGuard(guard: Guard, view: View): void {
  switch (guard.kind) {
    case 'stream': {
      const found = view.lengths.get(toColumn(guard.stream)) ?? 0;
      if (found !== guard.version) throw guardFailed('stream', guard.stream, `${guard.version} entries`, `${found}`);
      return;
    }
    case 'claim': {
      const claim = { space: toColumn(guard.space), key: toColumn(guard.key) };
      if (view.claims.has(claimName(claim)))
        throw guardFailed('claim', `${guard.space}/${guard.key}`, 'one claim', 'a second one');
      return;
    }
    case 'lease': {
      const held = view.leases.get(toColumn(guard.name));
      if (held?.token !== guard.token || held.holder === null)
        throw guardFailed('lease', guard.name, 'the present token', `${guard.token}`);
      return;
    }
    case 'take': {
      const held = view.leases.get(toColumn(guard.name));
      const next = (held?.token ?? 0) + 1;
      if (!isFree(held, guard.holder, view) || next !== guard.token)
        throw guardFailed('take', guard.name, `a free lease with the next token ${next}`, `${guard.token}`);
      return;
    }
    case 'halt':
      if (view.halted) throw haltFailed();
      return;
    case 'post': {
      const found = view.posts.get(postName({ platform: toColumn(guard.platform), key: toColumn(guard.key) })) ?? 0;
      if (found !== guard.changed)
        throw guardFailed('post', `${guard.platform}/${guard.key}`, `stamp ${guard.changed}`, `${found}`);
    }
  }
}

function makeClaim(guard: Extract<Guard, { kind: 'claim' }>, view: View, batch: Batch): void {
  const claim = { space: toColumn(guard.space), key: toColumn(guard.key) };
  // `until` is on the database's clock, which all nodes share.
  const until = guard.keep === null ? null : view.now + guard.keep;
  view.claims.add(claimName(claim));
  batch.put('claim', claimName(claim), { ...claim, at: guard.at, until });
}

function takeLease(guard: Extract<Guard, { kind: 'take' }>, view: View, batch: Batch): void {
  const { token } = guard;
  const [name, holder] = [toColumn(guard.name), toColumn(guard.holder)];
  putLease(view, batch, { name, holder, token, until: view.now + guard.ttl });
}

function releaseLease(guard: Extract<Guard, { kind: 'lease' }>, view: View, batch: Batch): void {
  const held = view.leases.get(toColumn(guard.name));
  if (held !== undefined) putLease(view, batch, { ...held, holder: null });
}

const sweep = {
  name: 'sweep-claims',
  text: `delete from claim where ctid = any(array(
    select ctid from claim where until <= (select tocsin_now()) order by until limit ${sweepMost}))`,
};

function append(view: View, batch: Batch, { entry, stored, base }: ReadyEntry): Entry {
  const { head } = view;
  const bytes = stored.text;
  const seq = head.seq + 1;
  const prev = head.hash;
  const hash = entryHash(prev, seq, bytes);
  const stream = toColumn(entry.stream);
  const pos = (view.lengths.get(stream) ?? 0) + 1;
  if (entry.fact.kind === 'run.cancelling') batch.cancel(entry.fact.run);
  const row = { seq, stream, pos, kind: entry.fact.kind, prev, hash };
  batch.add('journal', { ...row, bytes: textColumn(stored), ...stored.columns });
  base.seq = seq;
  view.lengths.set(stream, pos);
  head.seq = seq;
  head.hash = hash;
  return { ...entry, seq, version: entryVersion, bytes, prev, hash };
}

function sum<T>(items: readonly T[], size: (item: T) => number): number {
  return items.reduce((total, item) => total + size(item), 0);
}
