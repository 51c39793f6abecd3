/** Doors of services that ask gates: what they ask, telling them the answer once, and what no delivery brought. */

import type { Clock } from '../../kernel/clock.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { DoorName } from '../../model/gates/doors.ts';
import type { Gate } from '../../model/gates/gate.ts';
import { subject } from '../../model/gates/subject.ts';
import type { DoorConnection, DoorQuestion } from '../../ports/door.ts';
import type { Delivery } from '../../ports/source.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { Streams } from '../journal/streams.ts';
import type { Vault } from './vault.ts';

export interface DoorParts {
  clock: Clock;
  log: Log;
  metrics: Metrics;
  store: Store;
  /** Carries a fencing token where several nodes could tell the answer. */
  feed: Feed;
  streams: Streams;
  vault: Vault;
  /** The door as gates.yaml has it now; null when it has none. */
  door(name: DoorName): DoorConnection | null;
  act(who: Actor, act: Act): Promise<ActAnswer>;
  /** The page of a question. */
  linkTo(gate: Gate): string;
}

/** What became of a delivery: `gate` is null when it asked nothing. */
export interface HeardDelivery {
  gate: string | null;
  text: string;
}

/** A denial, a revocation and an end stand for the same question: each try there is another question. Milliseconds. */
const denialStands = 90 * 24 * 3_600_000;

/**
 * Takes a delivery of a door. Resolves when its question is durable. Rejects with `not-found` for a door that is not there,
 * `bad-signature`, `bad-body`, and with what the service fails with when the truth is asked of it.
 */
export async function hearDoor(name: string, delivery: Delivery, parts: DoorParts): Promise<HeardDelivery> {
  const door = isDoor(name) ? parts.door(name) : null;
  if (door === null) throw new TocsinError('not-found');
  const heard = await door.hear(delivery);
  if (heard.kind === 'nothing') return { gate: null, text: heard.because };
  return await askThrough(name as DoorName, door, heard.question, parts);
}

function isDoor(name: string): name is DoorName {
  return name === 'github' || name === 'gitlab' || name === 'terraform';
}

/** Asks the gate of the door, as the door. The same question is asked once, however often it comes. */
export async function askThrough(
  name: DoorName,
  door: DoorConnection,
  question: DoorQuestion,
  parts: DoorParts,
): Promise<HeardDelivery> {
  const parsed = subject.safeParse(question.subject);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TocsinError('bad-body', {
      message: `The subject cannot be told: ${issue?.message}`,
      at: issue?.path.join('.') ?? '',
    });
  }
  const who: Actor = { kind: 'service', id: `door:${name}`, via: name };
  const answer = await parts.act(who, {
    kind: 'gate',
    door: name,
    gate: door.gate,
    subject: parsed.data,
    requesters: [...question.requesters],
    callback: { ...question.callback },
    denialStands,
  });
  if (!answer.ok) throw refusalOf(answer);
  const gate = answer.gate ?? '';
  if (question.secret !== null) await keepSecret(gate, question.secret, parts);
  return { gate, text: answer.text };
}

/** It is needed until the answer is told, and kept no longer. */
async function keepSecret(gate: string, secret: string, { store, vault }: DoorParts): Promise<void> {
  const known = await store.document('gate', gate);
  if (known !== null && !known.told.some(one => one.key.startsWith('verdict/'))) await vault.keep(gate, secret);
}

function refusalOf(answer: Extract<ActAnswer, { ok: false }>): TocsinError {
  const code = answer.code === 'gate-subject' || answer.code === 'forbidden' ? answer.code : 'overloaded';
  return new TocsinError(code, { message: answer.text });
}

/** True when trying again is no use. */
export function isFinal(error: unknown): boolean {
  return isCode(error, 'origin-refused') || isCode(error, 'bad-body');
}
