-- The tables of the sqlite store, generated from src/stores/sqlite/migrations.ts.
-- `doc` columns are JSON text and the truth of their row; the columns beside them are copies for look-ups.
-- A long text is empty in its own column, and packed in `packed` (a body: in `bytes`). `codec` says how: 0 plain, 1 zstd, 2 what it does
-- not share with the text of journal entry `base` (src/stores/sql/delta.ts). `size` is its bytes before that. Hashes are over the text.
-- 1: the house (older processes refuse it)
-- 2: the truth about an alert (older processes refuse it)
-- 3: leaner rows (older processes refuse it)
-- 4: indexes for long journals
-- 5: what sources remember (older processes refuse it)
-- 6: deliveries and recordings
-- 7: counts of raw records
-- 8: dead letters (older processes refuse it)
-- 9: documents (older processes refuse it)
-- 10: what alerts are searched by

CREATE TABLE alert (
  id text primary key,
  source text not null,
  fingerprint text not null,
  state text not null,
  first_seen integer not null,
  version integer not null,
  doc text not null
, codec integer not null default 0, size integer not null default 0, packed blob, base integer, severity text not null default '', starts_at integer not null default 0, last_seen integer not null default 0, acked integer not null default 0, title text not null default '', labels text not null default '', found integer not null default 0) strict;
CREATE UNIQUE INDEX alert_identity on alert (source, fingerprint);
CREATE INDEX alert_newest on alert (first_seen, id);
CREATE INDEX alert_severity on alert (state, severity);
CREATE INDEX alert_state on alert (state, first_seen, id);
CREATE INDEX alert_unfound on alert (id) where found <> version;
CREATE TABLE approval (
  id text primary key,
  run text not null,
  state text not null,
  created_at integer not null,
  expires_at integer not null,
  version integer not null,
  doc text not null
) strict;
CREATE INDEX approval_expiry on approval (state, expires_at, id);
CREATE INDEX approval_newest on approval (created_at, id);
CREATE INDEX approval_run on approval (run);
CREATE INDEX approval_state on approval (state, created_at, id);
CREATE TABLE auto_run (
  runbook text not null,
  target text not null,
  at integer not null,
  run text not null,
  primary key (runbook, target, at, run)
) strict, without rowid;
CREATE TABLE blob (digest text primary key, bytes blob not null, at integer not null, codec integer not null default 0, size integer not null default 0, base integer) strict;
CREATE TABLE claim (
  space text not null,
  key text not null,
  at integer not null,
  until integer,
  primary key (space, key)
) strict, without rowid;
CREATE INDEX claim_until on claim (until) where until is not null;
CREATE TABLE cursor (name text primary key, value integer not null) strict, without rowid;
CREATE TABLE delivery (
  source text not null,
  ring text not null,
  id text not null,
  at integer not null,
  first integer not null,
  count integer not null,
  doc text not null,
  primary key (source, ring, id)
) strict, without rowid;
CREATE INDEX delivery_newest on delivery (source, ring, at, id);
CREATE TABLE delivery_count (
  source text not null,
  what text not null,
  count integer not null,
  at integer not null,
  primary key (source, what)
) strict, without rowid;
CREATE TABLE document (
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
CREATE INDEX document_due on document (kind, state, due, id);
CREATE INDEX document_key on document (kind, key, due);
CREATE INDEX document_newest on document (kind, at, id);
CREATE INDEX document_other on document (kind, other, due);
CREATE INDEX document_state on document (kind, state, at, id);
CREATE TABLE halt (id integer primary key check (id = 1), doc text not null) strict;
CREATE TABLE head (
  id integer primary key check (id = 1),
  seq integer not null,
  hash text not null,
  stamp integer not null
) strict;
CREATE TABLE journal (
  seq integer primary key,
  stream text not null,
  pos integer not null,
  kind text not null,
  bytes text not null,
  prev text not null,
  hash text not null
, codec integer not null default 0, size integer not null default 0, packed blob) strict;
CREATE UNIQUE INDEX journal_stream on journal (stream, pos);
CREATE TABLE lease (
  name text primary key,
  holder text,
  token integer not null,
  until integer not null
) strict, without rowid;
CREATE INDEX lease_held on lease (name) where holder is not null;
CREATE TABLE letter (
  id text primary key,
  source text not null,
  state text not null,
  first_at integer not null,
  version integer not null,
  doc text not null
) strict;
CREATE INDEX letter_newest on letter (first_at, id);
CREATE INDEX letter_state on letter (state, first_at, id);
CREATE TABLE look (alert text primary key, doc text not null) strict, without rowid;
CREATE TABLE memo (name text primary key, value text not null) strict, without rowid;
CREATE TABLE migration (number integer primary key, name text not null, breaks integer not null, at integer not null) strict;
CREATE TABLE output (
  run text not null,
  seq integer not null,
  step text not null,
  doc text not null
, codec integer not null default 0, size integer not null default 0, packed blob) strict;
CREATE UNIQUE INDEX output_run on output (run, seq);
CREATE TABLE post (
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
, codec integer not null default 0, size integer not null default 0, packed blob, base integer) strict;
CREATE INDEX post_changed on post (platform, changed);
CREATE INDEX post_channel on post (platform, channel, thread, ord, id);
CREATE UNIQUE INDEX post_key on post (platform, key);
CREATE INDEX post_thread on post (platform, thread, ord, id);
CREATE INDEX post_undelivered on post (platform, ord, id) where wanted > delivered;
CREATE TABLE probe (id integer primary key check (id = 1), at integer not null) strict;
CREATE TABLE recorded (
  recording text not null,
  number integer not null,
  doc text not null,
  body blob not null,
  primary key (recording, number)
) strict;
CREATE TABLE recording (id text primary key, at integer not null, doc text not null) strict, without rowid;
CREATE TABLE run (
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
CREATE INDEX run_alert on run (alert, created_at, id) where alert is not null;
CREATE INDEX run_newest on run (created_at, id);
CREATE INDEX run_parent on run (parent) where parent is not null;
CREATE INDEX run_runbook on run (runbook, created_at, id);
CREATE INDEX run_runbook_state on run (runbook, state, created_at, id);
CREATE INDEX run_state on run (state, created_at, id);
CREATE INDEX run_wake on run (wake_at) where wake_at is not null;
CREATE TABLE sighting (
  source text not null,
  rule text not null,
  key text not null,
  at integer not null,
  primary key (source, rule, key)
) strict, without rowid;
CREATE TABLE tally (
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
CREATE INDEX tally_until on tally (until);
