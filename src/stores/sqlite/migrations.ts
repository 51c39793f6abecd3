import type { DatabaseSync } from 'node:sqlite';
import { TocsinError } from '../../kernel/errors.ts';
import { genesis } from '../../model/journal.ts';
import type { Migration } from '../sql/migration.ts';

const first: Migration = {
  number: 1,
  name: 'the house',
  breaks: true,
  up: `
create table journal (
  seq integer primary key,
  stream text not null,
  pos integer not null,
  kind text not null,
  bytes text not null,
  prev text not null,
  hash text not null
) strict;
create unique index journal_stream on journal (stream, pos);

create table head (
  id integer primary key check (id = 1),
  seq integer not null,
  hash text not null,
  stamp integer not null
) strict;
insert into head values (1, 0, '${genesis}', 0);

create table claim (
  space text not null,
  key text not null,
  at integer not null,
  until integer,
  primary key (space, key)
) strict, without rowid;
create index claim_until on claim (until) where until is not null;

create table lease (
  name text primary key,
  holder text,
  token integer not null,
  until integer not null
) strict, without rowid;

create table alert (
  id text primary key,
  source text not null,
  fingerprint text not null,
  state text not null,
  first_seen integer not null,
  version integer not null,
  doc text not null
) strict;
create unique index alert_identity on alert (source, fingerprint);
create index alert_newest on alert (first_seen, id);
create index alert_state on alert (state, first_seen, id);

create table run (
  id text primary key,
  runbook text not null,
  alert text,
  parent text,
  state text not null,
  created_at integer not null,
  wake_at integer,
  version integer not null,
  doc text not null
) strict;
create index run_newest on run (created_at, id);
create index run_state on run (state, created_at, id);
create index run_runbook on run (runbook, created_at, id);
create index run_alert on run (alert, created_at, id) where alert is not null;
create index run_parent on run (parent) where parent is not null;
create index run_wake on run (wake_at) where wake_at is not null;

create table auto_run (
  runbook text not null,
  target text not null,
  at integer not null,
  run text not null,
  primary key (runbook, target, at, run)
) strict, without rowid;

create table approval (
  id text primary key,
  run text not null,
  state text not null,
  created_at integer not null,
  expires_at integer not null,
  version integer not null,
  doc text not null
) strict;
create index approval_newest on approval (created_at, id);
create index approval_state on approval (state, created_at, id);
create index approval_expiry on approval (state, expires_at, id);
create index approval_run on approval (run);

create table post (
  id integer primary key,
  platform text not null,
  key text not null,
  channel text not null,
  thread text,
  ord integer not null,
  wanted integer not null,
  delivered integer not null,
  changed integer not null,
  doc text not null
) strict;
create unique index post_key on post (platform, key);
create index post_channel on post (platform, channel, thread, ord, id);
create index post_thread on post (platform, thread, ord, id);
create index post_changed on post (platform, changed);
create index post_undelivered on post (platform, ord, id) where wanted > delivered;

create table cursor (name text primary key, value integer not null) strict, without rowid;
create table halt (id integer primary key check (id = 1), doc text not null) strict;

create table output (
  run text not null,
  seq integer not null,
  step text not null,
  doc text not null
) strict;
create unique index output_run on output (run, seq);

create table blob (digest text primary key, bytes blob not null, at integer not null) strict;
create table probe (id integer primary key check (id = 1), at integer not null) strict;
insert into probe values (1, 0);
`,
};

/** Entries of version 2 have facts that older builds cannot read. */
const truth: Migration = {
  number: 2,
  name: 'the truth about an alert',
  breaks: true,
  up: 'create table look (alert text primary key, doc text not null) strict, without rowid;',
};

/** Long texts and bodies are packed (sql/codec.ts), which older builds cannot read. Rows that are there stay as they are. */
const leaner: Migration = {
  number: 3,
  name: 'leaner rows',
  breaks: true,
  up: `
alter table journal add column codec integer not null default 0;
alter table journal add column size integer not null default 0;
alter table journal add column packed blob;
alter table alert add column codec integer not null default 0;
alter table alert add column size integer not null default 0;
alter table alert add column packed blob;
alter table alert add column base integer;
alter table post add column codec integer not null default 0;
alter table post add column size integer not null default 0;
alter table post add column packed blob;
alter table post add column base integer;
alter table output add column codec integer not null default 0;
alter table output add column size integer not null default 0;
alter table output add column packed blob;
alter table blob add column codec integer not null default 0;
alter table blob add column size integer not null default 0;
alter table blob add column base integer;
`,
};

/** What is found by them was found by reading all of a table, which a long journal makes large. */
const found: Migration = {
  number: 4,
  name: 'indexes for long journals',
  breaks: false,
  up: `
create index run_runbook_state on run (runbook, state, created_at, id);
create index lease_held on lease (name) where holder is not null;
`,
};

/** Texts that a source remembers. From here on there are entries about changes, which older builds cannot read. */
const remembered: Migration = {
  number: 5,
  name: 'what sources remember',
  breaks: true,
  up: 'create table memo (name text primary key, value text not null) strict, without rowid;',
};

/** Small, and nothing else reads them: older processes go on beside it. */
const pointed: Migration = {
  number: 6,
  name: 'deliveries and recordings',
  breaks: false,
  up: `
create table delivery (
  source text not null,
  ring text not null,
  id text not null,
  at integer not null,
  first integer not null,
  count integer not null,
  doc text not null,
  primary key (source, ring, id)
) strict, without rowid;
create index delivery_newest on delivery (source, ring, at, id);
create table delivery_count (
  source text not null,
  what text not null,
  count integer not null,
  at integer not null,
  primary key (source, what)
) strict, without rowid;
create table recording (id text primary key, at integer not null, doc text not null) strict, without rowid;
create table recorded (
  recording text not null,
  number integer not null,
  doc text not null,
  body blob not null,
  primary key (recording, number)
) strict;
`,
};

/** What is counted in raw records. */
const tallies: Migration = {
  number: 7,
  name: 'counts of raw records',
  breaks: false,
  up: `
create table tally (
  source text not null,
  rule text not null,
  key text not null,
  bucket integer not null,
  value text not null,
  n integer not null,
  arrived integer not null,
  until integer not null,
  sample text not null,
  primary key (source, rule, key, bucket, value)
) strict, without rowid;
create index tally_until on tally (until);

create table sighting (
  source text not null,
  rule text not null,
  key text not null,
  at integer not null,
  primary key (source, rule, key)
) strict, without rowid;
`,
};

/** What sources could not read. Older builds cannot read its entries. */
const letters: Migration = {
  number: 8,
  name: 'dead letters',
  breaks: true,
  up: `
create table letter (
  id text primary key,
  source text not null,
  state text not null,
  first_at integer not null,
  version integer not null,
  doc text not null
) strict;
create index letter_newest on letter (first_at, id);
create index letter_state on letter (state, first_at, id);
`,
};

/** Gates, permits, changes held against them, what is known to be bad, in one table. Older builds cannot read their entries. */
const documents: Migration = {
  number: 9,
  name: 'documents',
  breaks: true,
  up: `
create table document (
  id text primary key,
  kind text not null,
  state text not null,
  at integer not null,
  due integer not null,
  key text not null,
  other text not null,
  version integer not null,
  doc text not null
) strict;
create index document_newest on document (kind, at, id);
create index document_state on document (kind, state, at, id);
create index document_due on document (kind, state, due, id);
create index document_key on document (kind, key, due);
create index document_other on document (kind, other, due);
`,
};

/** What alerts are searched and counted by. Rows whose `found` is not their version were written by a build that did not know it. */
const searched: Migration = {
  number: 10,
  name: 'what alerts are searched by',
  breaks: false,
  up: `
alter table alert add column severity text not null default '';
alter table alert add column starts_at integer not null default 0;
alter table alert add column last_seen integer not null default 0;
alter table alert add column acked integer not null default 0;
alter table alert add column title text not null default '';
alter table alert add column labels text not null default '';
alter table alert add column found integer not null default 0;
create index alert_unfound on alert (id) where found <> version;
create index alert_severity on alert (state, severity);
`,
};

export const migrations: readonly Migration[] = [
  first,
  truth,
  leaner,
  found,
  remembered,
  pointed,
  tallies,
  letters,
  documents,
  searched,
];

/**
 * Brings the database up to date, one transaction for each migration, so that a crash leaves a whole number of them. Refuses a database
 * with a migration that is unknown here and that breaks older processes (`store-too-new`).
 */
export function migrate(db: DatabaseSync, now: number, known: readonly Migration[] = migrations): void {
  db.exec(
    'create table if not exists migration (number integer primary key, name text not null, breaks integer not null, at integer not null) strict',
  );
  const done = db.prepare('select number, name, breaks from migration order by number').all();
  const newest = known.length;
  const unknown = done.find(row => Number(row['number']) > newest && row['breaks'] === 1);
  if (unknown !== undefined) {
    throw new TocsinError('store-too-new', {
      allowed: `migrations up to ${newest}`,
      given: `migration ${unknown['number']}, ${unknown['name']}`,
    });
  }
  const applied = new Set(done.map(row => Number(row['number'])));
  for (const migration of known) if (!applied.has(migration.number)) apply(db, migration, now);
}

function apply(db: DatabaseSync, migration: Migration, now: number): void {
  db.exec('begin immediate');
  try {
    db.exec(migration.up);
    db.prepare('insert into migration values (?, ?, ?, ?)').run(
      migration.number,
      migration.name,
      migration.breaks ? 1 : 0,
      now,
    );
    db.exec('commit');
  } catch (error) {
    if (db.isTransaction) db.exec('rollback');
    throw error;
  }
}
