import { showDuration } from '../../kernel/duration.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import { type Actor, identityOf, nameOf } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import { badWords, readBadWord } from '../../model/gates/bad-words.ts';
import { type BadThing, type KnownBad, thingText } from '../../model/gates/known-bad.ts';
import { digestOf } from '../../model/gates/subject.ts';
import { streamOf } from '../../model/journal.ts';
import { failedGuard } from '../journal/streams.ts';
import { type ActParts, refused, unknown } from './parts.ts';

type ActOf<K extends Act['kind']> = Extract<Act, { kind: K }>;

/** The longest time with an end, milliseconds: ten years. */
const longest = 3650 * 86_400_000;
const longestReason = 500;
/** How many of the newest allows are looked through for the one of a service. */
const mostAllows = 1000;

/**
 * Puts something on the list of what is known to be bad. Rejects with `bad-request` for what cannot be read, and with `not-found` for an
 * alert that is none. What stands there already is answered as if it had been done.
 */
export async function performBan(who: Actor, act: ActOf<'ban'>, parts: ActParts): Promise<ActAnswer> {
  const reason = reasonOf(act.reason);
  const { duration } = act;
  if (duration !== null && (duration <= 0 || duration > longest))
    throw new TocsinError('bad-request', {
      message: 'An entry lasts from a moment to ten years, or has no end.',
      allowed: '1s to 3650d',
      given: `${duration} ms`,
    });
  const alert = act.alert === null ? null : await parts.store.alert(act.alert);
  if (act.alert !== null && alert === null) throw unknown('alert', act.alert, []);
  const thing = act.what === null ? await thingOf(alert, parts) : readWord(act.what);
  if (thing === null) return refused('conflict', 409, notToldBy(alert));
  const at = parts.clock.now();
  const wanted = { thing, reason, blocks: act.blocks, until: duration === null ? null : at + duration, at };
  const { entry, made } = await add(who, { ...wanted, alert: alert?.id ?? null }, parts);
  const lasts = duration === null ? '' : ` for ${showDuration(duration)}`;
  const text = made
    ? `${thingText(thing)} is known to be bad from now on${lasts}. Nothing of it is let through, and what was allowed ends.`
    : `${thingText(thing)} is on the list already: ${entry.reason} (${entry.by}).`;
  return { ok: true, text, entry: entry.id };
}

function reasonOf(text: string): string {
  const reason = text.trim();
  if (reason !== '' && reason.length <= longestReason) return reason;
  throw new TocsinError('bad-request', {
    message: reason === '' ? 'What is known to be bad needs a reason.' : 'The reason is too long.',
    allowed: `1 to ${longestReason} characters`,
    given: `${reason.length}`,
    remedy: 'Say why: everybody who is kept out reads it.',
  });
}

function readWord(what: string): BadThing {
  const thing = readBadWord(what);
  if (thing !== null) return thing;
  throw new TocsinError('bad-request', {
    message: 'This names nothing that can be kept out.',
    allowed: badWords,
    given: what.slice(0, 200),
  });
}

const digestLabels = ['image_digest', 'digest', 'image', 'image_id'];
const commitLabels = ['sha', 'commit', 'revision'];

/**
 * What an alert is about: the digest or commit in its labels, else what its service was last allowed to deploy. Null when neither says it,
 * or when its sender did not prove itself: then its labels choose nothing.
 */
async function thingOf(alert: Alert | null, { store, clock }: ActParts): Promise<BadThing | null> {
  if (alert === null || !alert.trusted) return null;
  for (const label of [...digestLabels, ...commitLabels]) {
    const thing = readBadWord(alert.labels[label] ?? '');
    if (thing?.kind === (digestLabels.includes(label) ? 'image' : 'commit')) return thing;
  }
  const { service } = alert.labels;
  if (service === undefined || service === '') return null;
  const environment = alert.labels['environment'] ?? alert.labels['env'];
  const allows = await store.documents('gate', { state: 'allowed', dueFrom: clock.now(), limit: mostAllows });
  const newest = allows.find(
    ({ subject }) =>
      subject.service === service &&
      (environment === undefined || (subject.environment ?? environment) === environment),
  );
  if (newest === undefined) return null;
  const digest = digestOf(newest.subject);
  if (digest !== null) return { kind: 'image', digest };
  return newest.subject.sha === undefined ? null : { kind: 'commit', sha: newest.subject.sha };
}

function notToldBy(alert: Alert | null): string {
  const how = `Say which: ban ${badWords}.`;
  if (alert === null) return how;
  if (!alert.trusted) return `The sender of this alert did not prove itself, so it does not choose what is bad. ${how}`;
  return `The alert names no digest or commit, and no gate allowed its service anything. ${how}`;
}

interface Wanted extends Pick<KnownBad, 'thing' | 'reason' | 'blocks' | 'until' | 'alert'> {
  at: number;
}

/** The most tries against others who put the same on the list. */
const maxTries = 10;

/** One entry for one thing: a second press finds the first. */
async function add(who: Actor, wanted: Wanted, parts: ActParts): Promise<{ entry: KnownBad; made: boolean }> {
  const { store, feed, ids, knownBad } = parts;
  const { at, ...facts } = wanted;
  const key = JSON.stringify(wanted.thing);
  for (let tries = 1; ; tries++) {
    const earlier = await store.documents('known-bad', { key, limit: 1000 });
    const same = earlier.find(one => holdsAsLong(one, wanted));
    if (same !== undefined) return { entry: same, made: false };
    const entry: KnownBad = {
      ...facts,
      id: ids.next('bad'),
      by: identityOf(who),
      state: 'open',
      createdAt: at,
      version: 1,
    };
    const stream = streamOf.knownBad(entry.id);
    try {
      await feed.commit({
        guards: [
          { kind: 'stream', stream, version: 0 },
          { kind: 'claim', space: 'known-bad', key: `${key}/${earlier.length}`, at, keep: null },
        ],
        entries: [{ stream, actor: who, at, fact: { kind: 'known-bad.added', entry } }],
        rows: [{ table: 'document', kind: 'known-bad', doc: entry }],
      });
      knownBad.changed();
      return { entry, made: true };
    } catch (error) {
      const overtaken = isCode(error, 'guard-failed') && failedGuard(error as TocsinError) === 'claim';
      if (!overtaken || tries >= maxTries) throw error;
    }
  }
}

/** True for an open entry that keeps out no less and ends no earlier; a press that came twice ends a moment later. */
function holdsAsLong(known: KnownBad, { until, blocks, at }: Wanted): boolean {
  if (known.state !== 'open' || (known.until !== null && known.until <= at)) return false;
  if (blocks === 'all' && known.blocks !== 'all') return false;
  return known.until === null || (until !== null && known.until >= until - 60_000);
}

/** Takes an entry of people off the list. What it ended stays ended: whoever wants it asks again. */
export async function performUnban(who: Actor, act: ActOf<'unban'>, parts: ActParts): Promise<ActAnswer> {
  const reason = reasonOf(act.reason);
  const known = await parts.store.document('known-bad', act.entry);
  if (known === null) throw unknown('entry', act.entry, []);
  let ended = false;
  const entry = await parts.streams.document('known-bad', known.id, who, now => {
    ended = now.state === 'open';
    return ended ? { facts: [{ kind: 'known-bad.ended', entry: now.id, reason }] } : null;
  });
  parts.knownBad.changed();
  const text = ended
    ? `${nameOf(who)} took ${thingText(entry.thing)} off the list.`
    : `${thingText(entry.thing)} is off the list already.`;
  return { ok: true, text, entry: entry.id };
}
