import { Readable } from 'node:stream';
import { z } from 'zod';
import { parseDuration } from '../../kernel/duration.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { type Actor, identityOf, nameOf } from '../../model/actor.ts';
import { type Gate, gateState, gateVerdict, verdictOf } from '../../model/gates/gate.ts';
import { subject } from '../../model/gates/subject.ts';
import type { HttpParts } from '../parts.ts';
import { defineRoute } from '../route.ts';
import { perform } from './act.ts';
import { found, nextPage, none, page, refusals, withId } from './common.ts';
import { evidenceBody, gateReader } from './gate-body.ts';
import { onceHeader } from './once.ts';

const iso = z.iso.datetime();

const gateDoc = z
  .object({
    id: z.string(),
    gate: z.string(),
    verdict: gateVerdict,
    state: gateState,
    because: z.string().meta({ description: 'Why, for people.' }),
    rule: z.string().meta({ description: 'The rule of the policy that decided, or what decided instead.' }),
    thread: z.string().meta({ description: 'The page with the question, its votes and its evidence.' }),
    approval: z.string().nullable(),
    subject,
    hash: z.string().meta({ description: 'SHA-256 of the subject: what people approve.' }),
    createdAt: iso,
    expires: iso.nullable().meta({ description: 'When a question is denied, or an allow ends; null for never.' }),
  })
  .meta({ id: 'Gate' });

async function showGate(gate: Gate, { clock, host, store }: HttpParts): Promise<z.infer<typeof gateDoc>> {
  const verdict = verdictOf(gate, clock.now());
  // An escalation gives the question more time.
  const approval = verdict !== 'pending' || gate.approval === null ? null : await store.approval(gate.approval);
  const asked = approval?.expiresAt ?? gate.expiresAt;
  const expires = verdict === 'pending' ? asked : verdict === 'allow' ? gate.holdsUntil : null;
  return {
    id: gate.id,
    gate: gate.name,
    verdict,
    state: gate.state,
    because: gate.because,
    rule: gate.decision.rule,
    thread: `${host.baseUrl()}/gate/${encodeURIComponent(gate.id)}`,
    approval: gate.approval,
    subject: gate.subject,
    hash: gate.hash,
    createdAt: new Date(gate.createdAt).toISOString(),
    expires: expires === null ? null : new Date(expires).toISOString(),
  };
}

const askGate = defineRoute({
  method: 'POST',
  path: '/gates',
  about:
    'Asks a gate whether this subject may go on. The same subject is asked once: while a question is open or its allow holds, everybody gets that one.',
  params: none,
  query: none,
  body: z
    .strictObject({ gate: z.string().max(63), subject, evidence: evidenceBody.optional() })
    .meta({ id: 'GateRequest' }),
  read: gateReader,
  headers: onceHeader('Your own name for this question. For 24 h the same key gets the same gate, also a denied one.'),
  answers: {
    200: { about: 'The question, with its verdict.', schema: gateDoc },
    ...refusals(400, 401, 403, 404, 413, 422),
  },
  async handle({ body, who, parts, headers }) {
    const once = headers['idempotency-key'];
    const answer = await perform(parts, who, {
      kind: 'gate',
      door: 'http',
      gate: body.gate,
      subject: body.subject,
      evidence: body.evidence ?? [],
      ...(once !== undefined && { once }),
    });
    return { status: 200, json: await showGate(await gateOf(answer.gate ?? '', parts), parts) };
  },
});

export async function gateOf(of: string, { store }: HttpParts): Promise<Gate> {
  return found(await store.document('gate', of), 'question of a gate', of);
}

/** The longest wait, and the longest silence, milliseconds: nginx cuts silence at 60 s, haproxy as Debian sets it up at 50 s. */
const waits = { most: 45_000, silence: 10_000, look: 1000 };

const waitFor = z
  .string()
  .transform((text, context) => {
    const wait = parseDuration(text);
    if (wait !== null && wait <= waits.most) return wait;
    context.addIssue({ code: 'custom', message: 'a time of at most 45s, such as 30s' });
    return z.NEVER;
  })
  .meta({ description: 'How long to wait for a decision, at most 45s. A space comes every 10 s before the JSON.' });

const getGate = defineRoute({
  method: 'GET',
  path: '/gates/{id}',
  about: 'Shows a question of a gate. With `wait` the answer comes with the decision, or when the time is over.',
  params: withId,
  query: z.strictObject({ wait: waitFor.optional() }),
  body: null,
  answers: { 200: { about: 'The question, with its verdict.', schema: gateDoc }, ...refusals(400, 401, 403, 404) },
  async handle({ params, query, who, parts }) {
    const gate = await gateOf(params.id, parts);
    checkReader(who, gate, parts);
    if (query.wait === undefined || gate.state !== 'pending') return { status: 200, json: await showGate(gate, parts) };
    const stream = Readable.from(waitForDecision(gate, query.wait, parts), { objectMode: false });
    return { status: 200, type: 'application/json; charset=utf-8', stream };
  },
});

/** Spaces, then the JSON. The status was sent before, so that a store that fails meanwhile ends it with the last that was known. */
async function* waitForDecision(asked: Gate, wait: number, parts: HttpParts): AsyncGenerator<string> {
  const { clock, host, store } = parts;
  const end = clock.monotonic() + wait;
  let last = asked;
  let spoke = clock.monotonic();
  let changed = Promise.withResolvers<void>();
  // News of other nodes may be lost, so it looks by itself too.
  const off = host.onChange(() => changed.resolve());
  try {
    // A first byte at once, so that whoever counts the silence starts after it.
    yield ' ';
    while (last.state === 'pending' && clock.monotonic() < end && !parts.draining()) {
      const nap = new AbortController();
      await Promise.race([
        changed.promise,
        clock.sleep(Math.min(waits.look, end - clock.monotonic()), nap.signal),
      ]).catch(() => {});
      nap.abort();
      changed = Promise.withResolvers<void>();
      last = (await store.document('gate', asked.id).catch(() => null)) ?? last;
      if (last.state === 'pending' && clock.monotonic() - spoke >= waits.silence) {
        spoke = clock.monotonic();
        yield ' ';
      }
    }
  } finally {
    off();
  }
  yield JSON.stringify(await showGate(last, parts));
}

/** People read all questions, as in the console. A program reads those of the gates that it may ask. */
export function checkReader(
  who: Actor,
  { name, requestedBy }: Pick<Gate, 'name' | 'requestedBy'>,
  { catalogue }: HttpParts,
): void {
  const own = requestedBy === identityOf(who) || catalogue.current().gates.get(name)?.ask.includes(identityOf(who));
  if (who.kind === 'person' || own) return;
  throw new TocsinError('forbidden', {
    message: `gates.yaml does not let ${nameOf(who)} ask "${name}", nor read its questions.`,
  });
}

const listGates = defineRoute({
  method: 'GET',
  path: '/api/v1/gates',
  about: 'Lists the questions of gates, newest first. For people; a program reads what it asked by its id.',
  params: none,
  query: z.strictObject({ state: gateState.optional(), ...page }),
  body: null,
  answers: { 200: { about: 'The questions.', schema: z.array(gateDoc) }, ...refusals(400, 401, 403) },
  async handle({ query, who, parts }) {
    if (who.kind !== 'person')
      throw new TocsinError('forbidden', { message: 'Only people list the questions of gates.' });
    const { state, limit, after } = query;
    const gates = await parts.store.documents('gate', { limit, ...(state && { state }), ...(after && { after }) });
    return {
      status: 200,
      json: await Promise.all(gates.map(gate => showGate(gate, parts))),
      ...nextPage('/api/v1/gates', query, gates, limit),
    };
  },
});

const revokeGate = defineRoute({
  method: 'POST',
  path: '/api/v1/gates/{id}/revoke',
  about: 'Takes back what a gate allowed, with its permit. It holds no more on any node.',
  params: withId,
  query: none,
  body: z.strictObject({ reason: z.string().min(1).max(2000) }).meta({ id: 'RevokeRequest' }),
  answers: { 200: { about: 'The question.', schema: gateDoc }, ...refusals(400, 401, 403, 404, 409) },
  async handle({ params, body, who, parts }) {
    await perform(parts, who, { kind: 'revoke', gate: params.id, reason: body.reason });
    return { status: 200, json: await showGate(await gateOf(params.id, parts), parts) };
  },
});

export const gateRoutes = [askGate, getGate, listGates, revokeGate];
