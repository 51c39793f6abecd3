import type { Clock } from '../../kernel/clock.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { createMinuteLimit } from '../../kernel/minute-limit.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { Decision } from '../../model/decision.ts';
import { type Gate, verdictOf } from '../../model/gates/gate.ts';
import type { Subject } from '../../model/gates/subject.ts';
import type { KubernetesDoor } from '../../ports/catalogue.ts';
import type { Store } from '../../ports/store.ts';
import type { ImageVerdict } from './answer.ts';
import { type Found, glassKey, type KnownParts, type Wanted } from './decisions.ts';
import { createLookup, createOnce, keyOf } from './lookup.ts';
import type { Review } from './review.ts';

export interface RulingParts extends KnownParts {
  clock: Clock;
  store: Pick<Store, 'documents' | 'document'>;
  act(who: Actor, act: Act): Promise<ActAnswer>;
  /** What policy would decide now; writes nothing. */
  preview(gate: string, subject: Subject): Promise<Decision>;
}

/** Who asks gates for this door. */
export const doorService: Actor = { kind: 'service', id: 'door:kubernetes', via: 'kubernetes' };

/** The verdict about an image, whichever container names it. */
export type Ruling = Omit<ImageVerdict, 'image'>;

/** The most questions that this door opens in a minute: whoever may create pods could otherwise flood those who vote. */
const mostQuestions = 60;

/** Rules about images. Rejects when decisions cannot be read or written. */
export function createRulings(parts: RulingParts) {
  const { clock } = parts;
  const lookup = createLookup(parts);
  const once = createOnce<Ruling>(clock);
  const mayAsk = createMinuteLimit(clock, mostQuestions);
  let questions = 0;

  async function rule(wanted: Wanted, door: KubernetesDoor, dryRun: boolean): Promise<Ruling> {
    const found = await lookup.find(wanted);
    if (found.kind !== 'none' && found.kind !== 'bad') return rulingOf(found);
    const who = `${keyOf(wanted)} ${wanted.namespace} ${wanted.byController} ${dryRun}`;
    return await once(who, () => ruleAnew(wanted, door, dryRun));
  }

  /** Policy decides. A denial without people stands while policy says the same, and is not written again. */
  async function ruleAnew(wanted: Wanted, door: KubernetesDoor, dryRun: boolean): Promise<Ruling> {
    // Whoever asked before this one may have been answered meanwhile.
    const found = await lookup.findNow(wanted);
    if (found.kind !== 'none' && found.kind !== 'bad') return rulingOf(found);
    const { earlier } = found;
    const preview = dryRun || earlier !== null ? await parts.preview(door.gate, wanted.subject) : null;
    if (preview !== null && (dryRun || preview.verdict === 'deny'))
      return { ...preview, verdict: told[preview.verdict], gate: earlier?.id ?? null, glass: false };
    if (!mayAsk(String(++questions))) return tooMany;
    const { subject, namespace, cluster } = wanted;
    const callback = { cluster, namespace };
    return await ask({ kind: 'gate', gate: door.gate, door: 'kubernetes', subject, callback }, wanted);
  }

  async function ask(act: Extract<Act, { kind: 'gate' }>, wanted: Wanted): Promise<Ruling> {
    const answer = await parts.act(doorService, act);
    if (!answer.ok)
      throw new TocsinError(answer.status === 503 ? 'store-failed' : 'forbidden', { message: answer.text });
    const gate = await parts.store.document('gate', answer.gate ?? '');
    if (gate === null) throw new TocsinError('not-found', { given: answer.gate ?? '' });
    const verdict = verdictOf(gate, clock.now());
    if (verdict !== 'allow') return rulingFrom(gate, verdict, gate.because);
    // It may be an older allow of the same subject, so it is held against all that is known.
    const found = await lookup.findNow(wanted);
    if (found.kind === 'none') return rulingFrom(gate, 'deny', 'its allow holds no more');
    if (found.kind === 'bad') return rulingFrom(gate, 'deny', found.because);
    return rulingOf(found);
  }

  /** Breaks the glass for one image, unless it is let in anyway. */
  async function breakGlass(reason: string, review: Review, wanted: Wanted, door: KubernetesDoor): Promise<Ruling> {
    const found = await lookup.find(wanted);
    if (found.kind === 'allowed') return rulingOf(found);
    if (review.dryRun) return { verdict: 'allow', because: reason, gate: null, rule: 'break-glass', glass: true };
    const { namespace, cluster } = wanted;
    const callback = { cluster, namespace, [glassKey]: reason };
    // A subject of its own, which no other question has: it holds here alone.
    const subject = { ...wanted.subject, change: `break-glass in ${cluster}/${namespace}` };
    const glass = { reason, groups: [...review.groups] };
    return await ask({ kind: 'gate', gate: door.gate, door: 'kubernetes', subject, callback, glass }, wanted);
  }

  return { rule, breakGlass };
}

function rulingOf(found: Exclude<Found, { kind: 'none' | 'bad' }>): Ruling {
  if (found.kind === 'pending') return rulingFrom(found.gate, 'pending', found.gate.because);
  return rulingFrom(found.gate, found.kind === 'allowed' ? 'allow' : 'deny', found.because);
}

function rulingFrom(gate: Gate, verdict: Ruling['verdict'], because: string): Ruling {
  const glass = gate.callback[glassKey] !== undefined;
  return { verdict, because, gate: gate.id, rule: gate.decision.rule, glass };
}

const told = { auto: 'allow', notify: 'allow', approve: 'pending', deny: 'deny' } as const;

const tooMany: Ruling = {
  verdict: 'deny',
  because: `this door opened ${mostQuestions} questions within a minute; try again in a minute`,
  gate: null,
  rule: 'too many questions',
  glass: false,
};
