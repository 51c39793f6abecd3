import type { DatabaseSync } from 'node:sqlite';
import type { Alert } from '../../model/alert.ts';
import type { Change, Guard, Row } from '../../ports/store.ts';
import { guardFailed, haltFailed, identityTaken, refuseTwins } from '../sql/guards.ts';
import { toColumn } from '../sql/text.ts';
import type { LeaseRows } from './leases.ts';
import { prepare, tables } from './query.ts';
import type { Head } from './writer.ts';

/** Expired claims are deleted after this many new ones. One sweep deletes more than that, so expired claims cannot pile up. */
const sweepEvery = 256;
const sweepMost = 1024;

export interface Guards {
  /** Throws `guard-failed` when a guard does not hold, or when a document is older than the stored one. Changes nothing. */
  check(change: Change, head: Head): void;
  /** Makes the claims, takes the leases and gives them back. Called when everything held. */
  carryOut(change: Change): void;
  /** How many entries the stream has. Each transaction asks the database once for each stream. */
  length(stream: string, head: Head): number;
  claimed(claim: { space: string; key: string }): boolean;
}

export function createGuards(db: DatabaseSync, leases: LeaseRows, now: () => number): Guards {
  const { lengthOf, stampOf, halted, identityOf } = prepareLookUps(db);
  const claims = prepareClaims(db);
  const versions = prepareVersions(db);
  const length = (stream: string, { lengths }: Head) => {
    const found = lengths.get(stream) ?? lengthOf.first({ stream: toColumn(stream) })?.pos ?? 0;
    lengths.set(stream, found);
    return found;
  };
  const claimed = (claim: { space: string; key: string }) =>
    claims.find.first({ space: toColumn(claim.space), key: toColumn(claim.key), now: now() }) !== undefined;

  let made = 0;

  function checkGuard(guard: Guard, head: Head): void {
    switch (guard.kind) {
      case 'stream': {
        const found = length(guard.stream, head);
        if (found !== guard.version) throw guardFailed('stream', guard.stream, `${guard.version} entries`, `${found}`);
        return;
      }
      case 'claim':
        if (claimed(guard)) throw guardFailed('claim', `${guard.space}/${guard.key}`, 'one claim', 'a second one');
        return;
      case 'lease': {
        const held = leases.find(guard.name);
        if (held?.token !== guard.token || held.holder === null)
          throw guardFailed('lease', guard.name, 'the present token', `${guard.token}`);
        return;
      }
      case 'take': {
        const next = leases.next(guard);
        if (next !== guard.token)
          throw guardFailed('take', guard.name, `a free lease with the next token ${next}`, `${guard.token}`);
        return;
      }
      case 'halt':
        if (halted.first({}) !== undefined) throw haltFailed();
        return;
      case 'post': {
        const { platform, key } = guard;
        const found = stampOf.first({ platform: toColumn(platform), key: toColumn(key) })?.changed ?? 0;
        if (found !== guard.changed)
          throw guardFailed('post', `${platform}/${key}`, `stamp ${guard.changed}`, `${found}`);
      }
    }
  }

  function checkIdentity({ id, source, fingerprint }: Alert): void {
    const other = identityOf.first({ source: toColumn(source), fingerprint: toColumn(fingerprint) });
    if (other !== undefined) throw identityTaken(id, other.id);
  }

  return {
    length,
    claimed,
    check(change, head) {
      const guards = change.guards ?? [];
      for (const guard of guards) checkGuard(guard, head);
      refuseTwins(guards);
      for (const row of change.rows ?? []) {
        const stored = versions(row);
        if (stored === null && row.table === 'alert') checkIdentity(row.doc);
        if (stored !== null && 'doc' in row && row.doc !== null && 'version' in row.doc && row.doc.version < stored)
          throw guardFailed('row', `${row.table}/${row.doc.id}`, `version ${stored} or later`, `${row.doc.version}`);
      }
    },
    carryOut(change) {
      for (const guard of change.guards ?? []) {
        if (guard.kind === 'take') leases.take(guard);
        if (guard.kind === 'lease' && guard.release === true) leases.free(guard);
        if (guard.kind !== 'claim') continue;
        const until = guard.keep === null ? null : guard.at + guard.keep;
        claims.make.run({ space: toColumn(guard.space), key: toColumn(guard.key), at: guard.at, until });
        made += 1;
        if (made % sweepEvery === 0) claims.prune.run({ now: now(), most: sweepMost });
      }
    },
  };
}

function prepareLookUps(db: DatabaseSync) {
  return {
    lengthOf: prepare<{ stream: string }>(db)(v =>
      tables.selectFrom('journal').select('pos').where('stream', '=', v.stream).orderBy('pos', 'desc').limit(1),
    ),
    stampOf: prepare<{ platform: string; key: string }>(db)(v =>
      tables.selectFrom('post').select('changed').where('platform', '=', v.platform).where('key', '=', v.key),
    ),
    halted: prepare(db)(() => tables.selectFrom('halt').select('id')),
    identityOf: prepare<{ source: string; fingerprint: string }>(db)(v =>
      tables.selectFrom('alert').select('id').where('source', '=', v.source).where('fingerprint', '=', v.fingerprint),
    ),
  };
}

function prepareClaims(db: DatabaseSync) {
  return {
    find: prepare<{ space: string; key: string; now: number }>(db)(v =>
      tables
        .selectFrom('claim')
        .select('at')
        .where('space', '=', v.space)
        .where('key', '=', v.key)
        .where(e => e.or([e('until', 'is', null), e('until', '>', v.now)])),
    ),
    make: prepare<{ space: string; key: string; at: number; until: number | null }>(db)(v =>
      tables.replaceInto('claim').values({ space: v.space, key: v.key, at: v.at, until: v.until }),
    ),
    prune: prepare<{ now: number; most: number }>(db)(v =>
      tables
        .deleteFrom('claim')
        .where(e =>
          e(
            e.refTuple('space', 'key'),
            'in',
            tables
              .selectFrom('claim')
              .select(['space', 'key'])
              .where('until', '<=', v.now)
              .orderBy('until')
              .limit(v.most)
              .$asTuple('space', 'key'),
          ),
        ),
    ),
  };
}

/** The stored version of the document that a row would replace; null when there is none. */
function prepareVersions(db: DatabaseSync): (row: Row) => number | null {
  const queries = {
    alert: prepare<{ id: string }>(db)(v => tables.selectFrom('alert').select('version').where('id', '=', v.id)),
    run: prepare<{ id: string }>(db)(v => tables.selectFrom('run').select('version').where('id', '=', v.id)),
    approval: prepare<{ id: string }>(db)(v => tables.selectFrom('approval').select('version').where('id', '=', v.id)),
    document: prepare<{ id: string }>(db)(v => tables.selectFrom('document').select('version').where('id', '=', v.id)),
    letter: prepare<{ id: string }>(db)(v => tables.selectFrom('letter').select('version').where('id', '=', v.id)),
  };
  return row => {
    switch (row.table) {
      case 'alert':
      case 'run':
      case 'approval':
      case 'letter':
      case 'document':
        return queries[row.table].first({ id: row.doc.id })?.version ?? null;
      default:
        return null;
    }
  };
}
