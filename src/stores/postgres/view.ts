import { TocsinError } from '../../kernel/errors.ts';
import { encodeArray } from './arrays.ts';
import type { Answer, Statement } from './session.ts';

/** The journal's head while a transaction is open; members advance it. */
export interface Head {
  seq: number;
  hash: string;
  /** The last `changed` stamp given to a post. */
  stamp: number;
}

export interface Lease {
  name: string;
  holder: string | null;
  token: number;
  until: number;
}

/** The identity of an alert, as columns. */
export interface Identity {
  source: string;
  fingerprint: string;
}

export type Versioned = 'alert' | 'run' | 'approval' | 'letter' | 'document';

/** What the members of a transaction must read before they decide; names are columns. */
export interface Needs {
  streams: Set<string>;
  claims: Map<string, { space: string; key: string }>;
  leases: Set<string>;
  posts: Map<string, { platform: string; key: string }>;
  halt: boolean;
  /** Identities of new alerts, by identityName. */
  identities: Map<string, Identity>;
  documents: Record<Versioned, Set<string>>;
  /** Sequences of stored entries that documents repeat. */
  bases: Set<number>;
}

/** The stored state that was asked for, with the changes of earlier members. Read under the lock of the head row, so it stays true. */
export interface View {
  head: Head;
  /** The database's clock, milliseconds since the epoch. */
  now: number;
  /** The transaction's xid, by which its outcome can be looked up later. */
  xid: string;
  lengths: Map<string, number>;
  claims: Set<string>;
  leases: Map<string, Lease>;
  /** The `changed` stamps of posts by postName. */
  posts: Map<string, number>;
  versions: Record<Versioned, Map<string, number>>;
  /** Ids of alerts by identityName. */
  identities: Map<string, string>;
  /** The hashes of stored entries by their sequences. */
  bases: Map<number, string>;
  /** Whether the halt is set; read only when it was asked for. */
  halted: boolean;
}

export function createNeeds(): Needs {
  return {
    streams: new Set(),
    claims: new Map(),
    leases: new Set(),
    posts: new Map(),
    halt: false,
    identities: new Map(),
    documents: { alert: new Set(), run: new Set(), approval: new Set(), letter: new Set(), document: new Set() },
    bases: new Set(),
  };
}

export function claimName(claim: { space: string; key: string }): string {
  return JSON.stringify([claim.space, claim.key]);
}

export function postName(post: { platform: string; key: string }): string {
  return JSON.stringify([post.platform, post.key]);
}

export function identityName({ source, fingerprint }: Identity): string {
  return JSON.stringify([source, fingerprint]);
}

interface Part {
  statement: Statement;
  take(view: View, answer: Answer): void;
}

const versioned: readonly Versioned[] = ['alert', 'run', 'approval', 'letter', 'document'];

/** Opens the transaction and locks the head row. Sent first, either alone or as part of openView. */
export function openLock(): Statement[] {
  return [begin, lockHead].map(part => part.statement);
}

/**
 * Opens the transaction, locks the head row, then reads what is needed, in one round trip. When openLock was sent before, `locked` holds
 * its answers, and only the rest is sent.
 */
export function openView(
  needs: Needs,
  locked: readonly Answer[] = [],
): { statements: Statement[]; read(answers: readonly Answer[]): View } {
  const parts = [begin, lockHead, readClock, ...lookUps(needs)];
  return {
    statements: parts.slice(locked.length).map(part => part.statement),
    read(found) {
      const answers = [...locked, ...found];
      const view: View = {
        head: { seq: 0, hash: '', stamp: 0 },
        now: 0,
        xid: '',
        lengths: new Map(),
        claims: new Set(),
        leases: new Map(),
        posts: new Map(),
        versions: { alert: new Map(), run: new Map(), approval: new Map(), letter: new Map(), document: new Map() },
        identities: new Map(),
        bases: new Map(),
        halted: false,
      };
      for (const [index, part] of parts.entries()) {
        const answer = answers[index];
        if (answer !== undefined) part.take(view, answer);
      }
      return view;
    },
  };
}

/** Each statement must see what was committed before it; the server's default isolation level may be another. */
const begin: Part = { statement: { text: 'begin isolation level read committed' }, take() {} };

const lockHead: Part = {
  statement: { name: 'lock-head', text: 'select seq, hash, stamp from head where id = 1 for update' },
  take(view, { rows: [head] }) {
    if (head === undefined) throw new TocsinError('journal-broken', { message: 'The head row is gone.' });
    view.head = head;
  },
};

/** A statement of its own, so that the clock is read after the lock was acquired. */
const readClock: Part = {
  statement: { name: 'read-clock', text: 'select tocsin_now() as now, pg_current_xact_id()::text as xid' },
  take(view, { rows: [row] }) {
    view.now = row.now;
    view.xid = row.xid;
  },
};

/** One index look-up for each name (lateral with a limit): a join would be planned as a scan of the whole table. */
function lookUps(needs: Needs): Part[] {
  const parts: Part[] = [];
  if (needs.streams.size > 0) parts.push(lengthsOf([...needs.streams]));
  if (needs.claims.size > 0) parts.push(claimsOf([...needs.claims.values()]));
  if (needs.leases.size > 0) parts.push(leasesOf([...needs.leases]));
  if (needs.posts.size > 0) parts.push(stampsOf([...needs.posts.values()]));
  if (needs.halt) parts.push(readHalt);
  if (needs.identities.size > 0) parts.push(identitiesOf([...needs.identities.values()]));
  if (needs.bases.size > 0) parts.push(basesOf([...needs.bases]));
  for (const table of versioned)
    if (needs.documents[table].size > 0) parts.push(versionsOf(table, [...needs.documents[table]]));
  return parts;
}

/** Looks up many names with one statement; each part of a name is an array of its own. */
function lookUpAll<T>(
  name: string,
  text: string,
  wanted: readonly T[],
  columns: readonly ((one: T) => string)[],
  take: Part['take'],
): Part {
  return { statement: { name, text, values: columns.map(column => encodeArray('text', wanted.map(column))) }, take };
}

const itself = (name: string) => name;

function lengthsOf(streams: readonly string[]): Part {
  const text = `select s.stream, j.pos from unnest($1::text[]) s(stream)
    cross join lateral (select pos from journal where stream = s.stream order by pos desc limit 1) j`;
  return lookUpAll('read-lengths', text, streams, [itself], (view, { rows }) => {
    for (const row of rows) view.lengths.set(row.stream, row.pos);
  });
}

function claimsOf(claims: readonly { space: string; key: string }[]): Part {
  const text = `select n.space, n.key from unnest($1::text[], $2::text[]) n(space, key)
    cross join lateral (select until from claim where space = n.space and key = n.key limit 1) c
    where c.until is null or c.until > (select tocsin_now())`;
  return lookUpAll('read-claims', text, claims, [one => one.space, one => one.key], (view, { rows }) => {
    for (const row of rows) view.claims.add(claimName(row));
  });
}

function leasesOf(names: readonly string[]): Part {
  const text = `select n.name, l.holder, l.token, l.until from unnest($1::text[]) n(name)
    cross join lateral (select holder, token, until from lease where name = n.name limit 1) l`;
  return lookUpAll('read-leases', text, names, [itself], (view, { rows }) => {
    for (const row of rows) view.leases.set(row.name, row);
  });
}

function stampsOf(posts: readonly { platform: string; key: string }[]): Part {
  const text = `select n.platform, n.key, p.changed from unnest($1::text[], $2::text[]) n(platform, key)
    cross join lateral (select changed from post where platform = n.platform and key = n.key limit 1) p`;
  return lookUpAll('read-stamps', text, posts, [one => one.platform, one => one.key], (view, { rows }) => {
    for (const row of rows) view.posts.set(postName(row), row.changed);
  });
}

function identitiesOf(identities: readonly Identity[]): Part {
  const text = `select n.source, n.fingerprint, a.id from unnest($1::text[], $2::text[]) n(source, fingerprint)
    cross join lateral (select id from alert where source = n.source and fingerprint = n.fingerprint limit 1) a`;
  return lookUpAll(
    'read-identities',
    text,
    identities,
    [one => one.source, one => one.fingerprint],
    (view, { rows }) => {
      for (const row of rows) view.identities.set(identityName(row), row.id);
    },
  );
}

function versionsOf(table: Versioned, ids: readonly string[]): Part {
  const text = `select n.id, d.version from unnest($1::text[]) n(id)
    cross join lateral (select version from ${table} where id = n.id limit 1) d`;
  return lookUpAll(`read-versions-${table}`, text, ids, [itself], (view, { rows }) => {
    for (const row of rows) view.versions[table].set(row.id, row.version);
  });
}

function basesOf(seqs: readonly number[]): Part {
  const text = `select n.seq, j.hash from unnest($1::int8[]) n(seq)
    cross join lateral (select hash from journal where seq = n.seq limit 1) j`;
  return {
    statement: { name: 'read-bases', text, values: [encodeArray('int8', seqs)] },
    take(view, { rows }) {
      for (const row of rows) view.bases.set(row.seq, row.hash);
    },
  };
}

const readHalt: Part = {
  statement: { name: 'read-halt', text: 'select 1 from halt' },
  take(view, { count }) {
    view.halted = count > 0;
  },
};
