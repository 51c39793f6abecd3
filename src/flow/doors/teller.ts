import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import { system } from '../../model/actor.ts';
import type { DoorName } from '../../model/gates/doors.ts';
import { type Gate, verdictOf } from '../../model/gates/gate.ts';
import type { Entry } from '../../model/journal.ts';
import type { DoorConnection, Telling, ToldAnswer } from '../../ports/door.ts';
import { failedGuard } from '../journal/streams.ts';
import { type DoorParts, isFinal } from './doors.ts';
import { createWork, type Item, type Work } from './work.ts';

/**
 * Tells the callers of doors what was decided: each answer once, in spite of restarts and of a service that is down. It follows the journal
 * from a cursor that stays behind what is not told yet. When the process ends after an answer and before its record, the door is asked to
 * tell again, and finds that nobody waits any more.
 */
export interface Teller {
  /** Why the last try failed, by door; null where all is well. */
  trouble(): Record<string, string | null>;
  stop(): Promise<void>;
}

const cursorName = 'doors/told';
/** The cursor is saved when it can move by so many entries. */
const stride = 256;
/** How many questions are looked at when there is no cursor yet. */
const atFirst = 200;
/** The pause while a door is not in gates.yaml, milliseconds. */
const closedPause = 60_000;

interface Context {
  parts: DoorParts;
  work: Work;
  seen: number;
  saved: number;
  trouble: Map<string, string>;
}

export async function startTeller(parts: DoorParts): Promise<Teller> {
  const { store, feed } = parts;
  const saved = (await store.cursor(cursorName)) - 1;
  const seen = saved >= 0 ? saved : (await store.head()).seq;
  const ctx: Context = {
    parts,
    seen,
    saved,
    trouble: new Map(),
    work: createWork(item => attempt(item, ctx), parts.clock),
  };
  if (saved < 0) {
    for (const gate of await store.documents('gate', { limit: atFirst })) if (isOurs(gate)) ctx.work.add(gate.id, seen);
    await saveCursor(ctx);
  }
  const following = feed.follow({
    name: cursorName,
    after: seen,
    kinds: ['gate.asked', 'gate.closed', 'gate.revoked', 'approval.voted', 'approval.escalated'],
    batch: 256,
    handle: (entries, upTo) => take(entries, upTo, ctx),
  });
  return {
    trouble: () => Object.fromEntries(ctx.trouble),
    async stop() {
      await following.stop();
      await ctx.work.stop();
    },
  };
}

function isOurs({ door }: Gate): boolean {
  return door === 'github' || door === 'gitlab' || door === 'terraform';
}

async function take(entries: readonly Entry[], upTo: number, ctx: Context): Promise<void> {
  for (const entry of entries) {
    const gate = await gateOf(entry, ctx);
    if (gate !== null && isOurs(gate)) ctx.work.add(gate.id, entry.seq);
  }
  ctx.seen = Math.max(ctx.seen, upTo);
  if (covered(ctx) - ctx.saved >= stride) await saveCursor(ctx);
}

async function gateOf({ fact }: Entry, { parts: { store } }: Context): Promise<Gate | null> {
  if (fact.kind === 'gate.asked') return fact.gate;
  if (fact.kind === 'gate.closed' || fact.kind === 'gate.revoked') return await store.document('gate', fact.gate);
  if (fact.kind !== 'approval.voted' && fact.kind !== 'approval.escalated') return null;
  if (fact.run !== null) return null;
  const of = (await store.approval(fact.approval))?.gate ?? null;
  return of === null ? null : await store.document('gate', of);
}

/** Everything up to this sequence is told. */
function covered({ seen, work }: Context): number {
  return Math.min(seen, work.lowest() - 1);
}

function cursorRow(ctx: Context) {
  return { table: 'cursor', name: cursorName, value: covered(ctx) + 1 } as const;
}

async function saveCursor(ctx: Context): Promise<void> {
  const value = covered(ctx);
  await ctx.parts.feed.commit({ rows: [cursorRow(ctx)] });
  ctx.saved = value;
}

/** Resolves to the pause until the next look, milliseconds; infinite until something changes, null when all is told. */
async function attempt(item: Item, ctx: Context): Promise<number | null> {
  const { parts } = ctx;
  const gate = await parts.store.document('gate', item.id);
  if (gate === null) return null;
  const name = gate.door as DoorName;
  const door = parts.door(name);
  if (door === null) return isTold(gate) ? null : closedPause;
  try {
    const pause = await look(gate, door, item, ctx);
    ctx.trouble.delete(name);
    return pause;
  } catch (error) {
    return await failed(error, gate, door, ctx);
  }
}

function lastVerdict({ told }: Gate): { verdict: string; ok: boolean } | null {
  const last = told.findLast(one => one.key.startsWith('verdict/'));
  return last === undefined ? null : { verdict: last.key.slice('verdict/'.length), ok: last.ok };
}

function isTold(gate: Gate): boolean {
  return lastVerdict(gate) !== null;
}

async function look(gate: Gate, door: DoorConnection, item: Item, ctx: Context): Promise<number | null> {
  const verdict = verdictOf(gate, ctx.parts.clock.now());
  if (verdict === 'pending') return await keepWaiting(gate, door, item, ctx);
  const last = lastVerdict(gate);
  if (last === null) await record(gate, `verdict/${verdict}`, await door.tell(await tellingOf(gate, ctx)), ctx);
  else if (last.ok && last.verdict === 'allow' && verdict === 'deny') await takeBack(gate, door, ctx);
  await ctx.parts.vault.forget(gate.id);
  return null;
}

/** What was let through and holds no more: some services can be told, of the others the thread says that it is too late. */
async function takeBack(gate: Gate, door: DoorConnection, ctx: Context): Promise<void> {
  if (door.pace.changes) return await record(gate, 'verdict/deny', await door.tell(await tellingOf(gate, ctx)), ctx);
  const text = `${door.title} was told before that it may go on, and cannot be stopped from here any more.`;
  await record(gate, 'late/deny', { ok: false, text }, ctx);
}

async function keepWaiting(gate: Gate, door: DoorConnection, item: Item, ctx: Context): Promise<number> {
  const telling = await tellingOf(gate, ctx);
  const { again, mostWaits } = door.pace;
  if (mostWaits === null) {
    await door.wait(telling);
    return again ?? Number.POSITIVE_INFINITY;
  }
  const before = gate.told.filter(one => one.key.startsWith('wait/'));
  const isNews = before.at(-1)?.text !== telling.because && item.said !== telling.because;
  if (!isNews || before.length >= mostWaits) return Number.POSITIVE_INFINITY;
  // Said once even if it cannot be recorded: a status is worth no second one.
  item.said = telling.because;
  await door.wait(telling);
  await record(gate, `wait/${before.length + 1}`, { ok: true, text: telling.because }, ctx);
  return Number.POSITIVE_INFINITY;
}

async function tellingOf(gate: Gate, { parts }: Context): Promise<Telling> {
  const verdict = verdictOf(gate, parts.clock.now());
  const approval = verdict === 'pending' && gate.approval !== null ? await parts.store.approval(gate.approval) : null;
  const votes = approval?.votes.filter(one => one.vote === 'approve').length ?? 0;
  const waits =
    approval === null
      ? gate.because
      : `Waiting for people: ${votes} of ${approval.ask.quorum} approvals by ${approval.ask.by.join(', ')}.`;
  return { gate, verdict, because: waits, link: parts.linkTo(gate), secret: await parts.vault.read(gate.id) };
}

/** The claim makes it once: of two that told the same only one records it. */
async function record(gate: Gate, key: string, { ok, text }: ToldAnswer, ctx: Context): Promise<void> {
  const { streams, clock, metrics } = ctx.parts;
  const fact = { kind: 'gate.told', gate: gate.id, key, ok, text } as const;
  const claim = { kind: 'claim', space: 'gate-told', key: `${gate.id}/${key}`, at: clock.now(), keep: null } as const;
  try {
    await streams.document('gate', gate.id, system, () => ({ facts: [fact], with: { guards: [claim] } }));
  } catch (error) {
    if (isCode(error, 'guard-failed') && failedGuard(error) === 'claim') return;
    throw error;
  }
  if (!key.startsWith('wait/'))
    metrics.count('tocsin_gates_told_total', { door: gate.door, outcome: ok ? 'ok' : 'refused' });
}

async function failed(error: unknown, gate: Gate, door: DoorConnection, ctx: Context): Promise<number | null> {
  const { log, clock, metrics } = ctx.parts;
  const reason = messageOf(error);
  log[error instanceof TocsinError ? 'warn' : 'error'](
    { gate: gate.id, door: gate.door, reason },
    'the caller of a gate could not be told',
  );
  const waits = gate.state === 'pending';
  const isOver = isFinal(error) || clock.now() - (gate.closedAt ?? gate.createdAt) > door.pace.giveUp;
  if (!waits && isOver) {
    const verdict = verdictOf(gate, clock.now());
    await record(gate, `verdict/${verdict}`, { ok: false, text: reason }, ctx);
    await ctx.parts.vault.forget(gate.id);
    return null;
  }
  if (waits && isFinal(error)) return door.pace.again ?? Number.POSITIVE_INFINITY;
  metrics.count('tocsin_gates_told_total', { door: gate.door, outcome: 'failed' });
  ctx.trouble.set(gate.door, reason);
  throw error;
}
