import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import { isCode, type TocsinError } from '../../kernel/errors.ts';
import { system } from '../../model/actor.ts';
import { type ChangeState, imageFact } from '../../model/change.ts';
import type { IncomingChange } from '../../model/event.ts';
import { streamOf } from '../../model/journal.ts';
import type { Held } from '../../model/ledger/held.ts';
import { fitsAny } from '../../model/ledger/pattern.ts';
import { doerOf, withoutMarks } from '../../model/ledger/principal.ts';
import { failedGuard } from '../journal/streams.ts';
import type { ChangeEvent } from './before.ts';
import type { ChangesParts } from './parts.ts';
import type { ChangeRules } from './rules.ts';

/** Holds a change, once however often and by however many sources it is told. Null when it is not watched, or was held before. */
export async function holdChange(event: ChangeEvent, spec: ChangeRules, parts: ChangesParts): Promise<Held | null> {
  if (event.test === true || !isWatched(event, spec)) return null;
  const held = heldOf(event, spec, parts);
  const at = parts.clock.now();
  const stream = streamOf.held(held.id);
  try {
    await parts.feed.commit({
      guards: [{ kind: 'claim', space: 'change', key: held.changeKey, at, keep: null }],
      entries: [{ stream, actor: system, at, fact: { kind: 'change.held', held } }],
      rows: [{ table: 'document', kind: 'held', doc: held }],
    });
    return held;
  } catch (error) {
    if (isCode(error, 'guard-failed') && failedGuard(error as TocsinError) === 'claim') return null;
    throw error;
  }
}

function isWatched({ source, body }: ChangeEvent, { watch }: ChangeRules): boolean {
  return watch.some(
    one =>
      fitsAny(one.sources, source) &&
      fitsAny(one.actions, body.action) &&
      fitsAny(one.resources, body.resource.id) &&
      fitsAny(one.environments, body.environment ?? ''),
  );
}

/** When it is judged: so long after it was done, but news of it that comes late waits a little for a permit that comes late too. */
function dueOf({ source, receivedAt }: ChangeEvent, occurredAt: number, spec: ChangeRules): number {
  const wait = (Object.hasOwn(spec.sources, source) ? spec.sources[source]?.matchAfter : undefined) ?? spec.matchAfter;
  return Math.max(occurredAt + wait, receivedAt + Math.min(wait, spec.skew));
}

function heldOf(event: ChangeEvent, spec: ChangeRules, { ids }: ChangesParts): Held {
  const { body } = event;
  // A clock of a sender that is ahead would put off the judgement for ever.
  const occurredAt = Math.min(body.occurredAt, event.receivedAt);
  const doer = doerOf(body) ?? { principal: 'somebody unknown', actor: 'somebody unknown', nonce: '' };
  return {
    id: ids.next('hld'),
    event: event.id,
    source: event.source,
    title: withoutMarks(body.title),
    changeKey: keyOfChange(event, doer.principal),
    principal: doer.principal,
    actor: doer.actor,
    action: body.action,
    resource: body.resource.id,
    account: body.account ?? null,
    region: body.region ?? null,
    environment: body.environment ?? null,
    nonce: doer.nonce,
    address: body.via === undefined ? (body.address ?? null) : null,
    keys: keysOf(body),
    unpinned: unpinnedOf(body),
    outcome: body.outcome.state,
    was: digestOfState(body.before),
    became: digestOfState(body.after),
    trusted: event.trusted,
    state: 'open',
    because: '',
    asks: !event.trusted,
    bypassed: null,
    permit: null,
    alert: null,
    claim: null,
    occurredAt,
    ahead: body.occurredAt > event.receivedAt,
    dueAt: dueOf(event, occurredAt, spec),
    judgedAt: null,
    endedAt: null,
    version: 1,
  };
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The identity of a change. An id that is unique in the world is the same change by whichever source it comes (EventBridge, records of a
 * bucket), unless they tell of something else; any other id is its sender's. Without proof nobody can take the place of a change that is
 * proved.
 */
function keyOfChange({ id, source, trusted, body }: ChangeEvent, principal: string): string {
  const { changeId, action } = body;
  if (changeId === undefined) return sha256(canonicalJson({ event: id }));
  const from = uuid.test(changeId) && trusted ? null : source;
  return sha256(canonicalJson({ changeId, action, principal, from, trusted }));
}

const found = /sha256:[0-9a-f]{64}|(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])/g;
const mostKeys = 20;

/** Settings that say which image or commit runs. Anybody may write the digest of another one into a description, a tag or a variable. */
const namesWhatRuns = /(?:^|\.)(?:image|image_?uri|image_?digest|digest|sha|head_sha|commit|commit_?id|revision)$/i;

/** Digests of images and ids of commits in what it became. */
function keysOf({ after }: IncomingChange): string[] {
  if (after === undefined) return [];
  const facts = after.as === 'digest' ? [] : Object.entries(after.facts);
  const named = facts.flatMap(([name, text]) => (name.startsWith(imageFact) || namesWhatRuns.test(name) ? [text] : []));
  const texts = after.as === 'digest' ? [after.digest] : named;
  return [...new Set(texts.flatMap(text => text.match(found) ?? []))].slice(0, mostKeys);
}

/** Images that are named by a tag, which may be moved after the approval. */
function unpinnedOf({ after }: IncomingChange): string[] {
  if (after?.as !== 'facts') return [];
  const images = Object.entries(after.facts).flatMap(([name, image]) => (name.startsWith(imageFact) ? [image] : []));
  return images.filter(image => !/@sha256:[0-9a-f]{64}$/.test(image)).slice(0, mostKeys);
}

function digestOfState(state: ChangeState | undefined): string | null {
  return state === undefined ? null : sha256(canonicalJson(state));
}
