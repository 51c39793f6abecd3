import type { PackedColumns } from './packed.ts';

/** `base` is the sequence of the journal entry that a packed text repeats. */
type LikeEntry = PackedColumns & { base: number | null };

/** The tables as Kysely sees them; migrations.ts makes them. Documents are JSON text, the other columns are copies for look-ups. */
export interface Tables {
  journal: {
    seq: number;
    stream: string;
    pos: number;
    kind: string;
    bytes: string;
    prev: string;
    hash: string;
  } & PackedColumns;
  head: { id: 1; seq: number; hash: string; stamp: number };
  claim: { space: string; key: string; at: number; until: number | null };
  lease: { name: string; holder: string | null; token: number; until: number };
  alert: {
    id: string;
    source: string;
    fingerprint: string;
    state: string;
    first_seen: number;
    version: number;
    doc: string;
    severity: string;
    starts_at: number;
    last_seen: number;
    acked: number;
    title: string;
    labels: string;
    found: number;
  } & LikeEntry;
  run: {
    id: string;
    runbook: string;
    alert: string | null;
    parent: string | null;
    state: string;
    created_at: number;
    wake_at: number | null;
    version: number;
    doc: string;
  };
  auto_run: { runbook: string; target: string; at: number; run: string };
  approval: {
    id: string;
    run: string;
    state: string;
    created_at: number;
    expires_at: number;
    version: number;
    doc: string;
  };
  document: {
    id: string;
    kind: string;
    state: string;
    at: number;
    due: number;
    key: string;
    other: string;
    version: number;
    doc: string;
  };
  letter: { id: string; source: string; state: string; first_at: number; version: number; doc: string };
  post: {
    id?: number;
    platform: string;
    key: string;
    channel: string;
    thread: string | null;
    ord: number;
    wanted: number;
    delivered: number;
    changed: number;
    doc: string;
  } & LikeEntry;
  look: { alert: string; doc: string };
  cursor: { name: string; value: number };
  memo: { name: string; value: string };
  halt: { id: 1; doc: string };
  output: { run: string; seq: number; step: string; doc: string } & PackedColumns;
  blob: { digest: string; bytes: Uint8Array; at: number; codec: number; size: number; base: number | null };
  delivery: {
    source: string;
    ring: string;
    id: string;
    at: number;
    first: number;
    count: number;
    doc: string;
  };
  delivery_count: { source: string; what: string; count: number; at: number };
  recording: { id: string; at: number; doc: string };
  recorded: { recording: string; number: number; doc: string; body: Uint8Array };
  probe: { id: 1; at: number };
  tally: {
    source: string;
    rule: string;
    key: string;
    bucket: number;
    value: string;
    n: number;
    arrived: number;
    until: number;
    sample: string;
  };
  sighting: { source: string; rule: string; key: string; at: number };
}
