import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Actor, nameOf } from '../actor.ts';
import type { Subject } from '../gates/subject.ts';
import { makeScope, time } from './scopes.ts';
import { record } from './values.ts';

export interface GateFacts {
  gate: { name: string; door: string; subject: Subject };
  actor: Actor;
  /** Milliseconds since the epoch. */
  now: number;
}

const texts = ['repository', 'sha', 'image', 'environment', 'service', 'change', 'actor'] as const;

/** What rules see of a gate. What a subject does not have reads as the empty text. */
export const gateScope = makeScope<GateFacts>({
  name: 'gate',
  types: {
    GateSubject: Object.fromEntries(texts.map(name => [name, 'string'])),
    Gate: { name: 'string', door: 'string', subject: 'GateSubject' },
    GateActor: { kind: 'string', id: 'string', name: 'string' },
  },
  variables: { gate: 'Gate', actor: 'GateActor', now: time },
  bind: ({ gate, actor, now }) => ({
    gate: record({
      name: gate.name,
      door: gate.door,
      subject: record(Object.fromEntries(texts.map(name => [name, gate.subject[name] ?? '']))),
    }),
    actor: record({ kind: actor.kind, id: actor.id, name: nameOf(actor) }),
    now: timestampFromMs(now),
  }),
});
