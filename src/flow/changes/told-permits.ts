import { showInstant } from '../../kernel/duration.ts';
import { isCode } from '../../kernel/errors.ts';
import { type Actor, identityOf } from '../../model/actor.ts';
import type { Event, IncomingPermit } from '../../model/event.ts';
import { type Entry, streamOf } from '../../model/journal.ts';
import type { Permit } from '../../model/ledger/permit.ts';
import type { PermitRequest } from '../../model/ledger/permit-request.ts';
import type { Guard } from '../../ports/store.ts';
import { asChangesName, beyondOf, importedId, isImporter, issueImported } from './import.ts';
import type { ChangesParts } from './parts.ts';

type PermitEvent = Event & { body: IncomingPermit };

/** Takes the permits among the entries, in their order: one may be taken back by the next. Harmless when it is done again. */
export async function takePermits(entries: readonly Entry[], parts: ChangesParts): Promise<void> {
  for (const { fact } of entries) {
    if (fact.kind !== 'event.accepted' || fact.event.test === true || fact.event.body.kind !== 'permit') continue;
    await takePermit({ ...fact.event, body: fact.event.body }, parts);
  }
}

/** What is not taken was accepted already, so nobody who sent it is told: it is journalled. */
async function takePermit(event: PermitEvent, parts: ChangesParts): Promise<void> {
  const who: Actor = { kind: 'source', id: event.source };
  const set = parts.catalogue.current();
  if (!event.trusted) return await refuse(event, who, 'its sender proved nothing', parts);
  if (!isImporter(who, set))
    return await refuse(event, who, `changes.yaml does not let ${event.source} import permits`, parts);
  const { permit, fingerprint } = event.body;
  const id = importedId(who, fingerprint);
  const told: Guard = { kind: 'claim', space: 'permit-told', key: id, at: parts.clock.now(), keep: null };
  if (permit === null) return await takeBack(event, who, id, told, parts);
  const request = asChangesName(permit);
  const known = await parts.store.document('permit', id);
  if (known !== null) return isSame(known, request) ? undefined : await refuse(event, who, otherwise(known), parts);
  // What was taken back, also before it came, does not come again.
  if (await parts.store.claimed(told)) return;
  const at = event.receivedAt;
  const beyond = beyondOf({ who, request, at }, set);
  if (beyond !== null) {
    const { what, allowed, given } = beyond;
    return await refuse(event, who, `it may not permit this ${what}. Allowed: ${allowed}. Given: ${given}`, parts);
  }
  await issueImported({ who, request, name: fingerprint, at, guards: [told] }, parts).catch(unlessGuarded);
}

/** Ends it, or sees to it that it never begins: the news of it may be under way. */
async function takeBack(event: PermitEvent, who: Actor, id: string, told: Guard, parts: ChangesParts): Promise<void> {
  await parts.feed.commit({ guards: [told] }).catch(unlessGuarded);
  if ((await parts.store.document('permit', id)) === null) return;
  let ended = false;
  await parts.streams.document('permit', id, who, now => {
    ended = now.state !== 'ended';
    const because = `taken back by ${event.source}: ${event.body.title}`;
    return ended ? { facts: [{ kind: 'permit.ended', permit: id, because, until: event.receivedAt }] } : null;
  });
  if (ended) parts.metrics.count('tocsin_permits_imported_total', { importer: identityOf(who), outcome: 'ended' });
}

function isSame(known: Permit, request: PermitRequest): boolean {
  const places = ['principal', 'account', 'region', 'environment'] as const;
  return (
    places.every(name => (known[name] ?? undefined) === request[name]) &&
    // Its end is earlier once it was taken back.
    (known.state === 'ended' || known.until === request.until) &&
    (request.from === undefined || request.from === known.from) &&
    JSON.stringify([known.actions, known.resources]) === JSON.stringify([request.actions, request.resources])
  );
}

function otherwise({ id, until }: Permit): string {
  return `it was permitted otherwise before, as ${id}${until === null ? '' : ` until ${showInstant(until)}`}; what permits something else needs another fingerprint`;
}

async function refuse(
  event: PermitEvent,
  who: Actor,
  because: string,
  { feed, clock, log, metrics }: ChangesParts,
): Promise<void> {
  const at = clock.now();
  const [from, what] = [identityOf(who), event.body.permit?.change ?? event.body.fingerprint];
  let isNews = true;
  await feed
    .commit({
      guards: [{ kind: 'claim', space: 'permit-refused', key: event.id, at, keep: null }],
      entries: [
        {
          ...{ stream: streamOf.source(event.source), actor: who, at },
          fact: { kind: 'permit.refused', from, because: `${what}: ${because}` },
        },
      ],
    })
    .catch(error => {
      isNews = false;
      unlessGuarded(error);
    });
  if (!isNews) return;
  metrics.count('tocsin_permits_imported_total', { importer: from, outcome: 'refused' });
  log.warn({ source: event.source, event: event.id, change: what, because }, 'a permit was refused');
}

/** Another node, or this one before it died, was first. */
function unlessGuarded(error: unknown): void {
  if (!isCode(error, 'guard-failed')) throw error;
}
