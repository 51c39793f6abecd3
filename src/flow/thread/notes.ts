import { showDuration } from '../../kernel/duration.ts';
import { nameOf } from '../../model/actor.ts';
import type { AlertEnd } from '../../model/alert.ts';
import { type Card, quoted } from '../../model/card.ts';
import type { Config } from '../../model/config.ts';
import type { Event } from '../../model/event.ts';
import type { Gate } from '../../model/gates/gate.ts';
import type { Entry, FactOf } from '../../model/journal.ts';
import type { Picture } from '../../model/picture.ts';
import type { Run } from '../../model/run.ts';
import { decisionCard, endingText, noteCard } from './cards/cards.ts';

/** Pure: the notes that an entry adds to its thread, besides the cards that it changes. Most entries add none. */
export function notesOf(entry: Entry, run: Run | null, config: Config): Card[] {
  const { fact } = entry;
  switch (fact.kind) {
    case 'event.accepted':
      return eventNotes(fact, entry);
    case 'decision.made':
      return [decisionCard(fact)];
    case 'alert.acknowledged':
    case 'alert.unacknowledged':
    case 'alert.silenced':
    case 'alert.unsilenced':
    case 'alert.closed':
      return actNotes(fact, entry);
    case 'alert.reopened':
      return [againNote];
    case 'alert.noted':
    case 'run.noted':
    case 'gate.noted':
      return [writtenNote(fact.text, entry)];
    case 'approval.voted': {
      const { vote } = fact;
      return [
        noteCard(
          `${vote.person} ${vote.vote === 'approve' ? 'approved' : 'denied'}${vote.reason === null ? '' : `: ${vote.reason}`}`,
        ),
      ];
    }
    case 'approval.escalated':
      return [noteCard(`Nobody decided in time, so ${fact.to} is asked now`, 'warning', [fact.to])];
    case 'run.asking':
      return [noteCard(`${fact.because} Somebody has to say how to go on.`, 'ask', whomToCall(run, config))];
    case 'run.finished':
      return run === null || fact.state === 'succeeded' ? [] : [endingNote(run, config)];
    case 'run.amended':
      return [amendedNote(fact, run, config)];
    case 'step.said':
      return [said(fact)];
    case 'alert.pictured':
      return fact.picture === null ? [] : [pictureCard(fact.picture)];
    case 'step.answered':
      return [noteCard(`${nameOf(entry.actor)} chose to ${fact.choice} ${fact.step}`)];
    case 'origin.told':
      return writeBackNotes(fact);
    case 'source.refused':
      return [refusalNote(fact)];
    case 'change.repeated':
      return [
        noteCard(
          `${fact.runbook} is not started again: ${fact.because}. People are called.`,
          'error',
          config.operators,
        ),
      ];
    case 'break-glass.ended':
      return [noteCard(`The window is over: ${fact.because}`, 'good')];
    case 'halt.set':
      return [noteCard(`${nameOf(entry.actor)} halted everything: ${fact.reason}`, 'warning')];
    case 'halt.cleared':
      return [noteCard(`${nameOf(entry.actor)} resumed: ${fact.reason}`, 'good')];
    default:
      return [];
  }
}

/** What a person wrote: the words are theirs, so the card says whose. */
function writtenNote(text: string, { actor }: Entry): Card {
  if (actor.kind === 'system') return noteCard(text);
  return { ...noteCard(`Note by ${nameOf(actor)}`), blocks: [{ kind: 'text', text }] };
}

function said({ text, tone, mention, picture }: FactOf<'step.said'>): Card {
  const card = noteCard(text, tone, mention);
  return picture === undefined ? card : { ...card, blocks: [{ kind: 'picture', ...picture }] };
}

/** The picture under its text, which says all that there is to see. */
function pictureCard(picture: Picture): Card {
  return { ...noteCard(picture.alt), blocks: [{ kind: 'picture', ...picture }] };
}

/** Pure: what the thread of a gate says besides its cards and the votes. Whoever was asked hears of an end that nobody of them chose. */
export function gateNotesOf({ fact, actor }: Entry, gate: Gate, config: Config): Card[] {
  const asked = gate.decision.ask?.by ?? config.operators;
  switch (fact.kind) {
    case 'gate.closed':
      if (fact.state === 'expired')
        return [noteCard('Nobody decided in time, so it is denied. It has to be asked again.', 'warning', asked)];
      return fact.state === 'void' ? [noteCard(`The question is void: ${fact.because}`, 'warning', asked)] : [];
    case 'gate.revoked':
      return [noteCard(revokedText(fact, nameOf(actor)), 'error', asked)];
    case 'gate.told':
      return fact.ok ? [] : [noteCard(`Its caller could not be told: ${fact.text}`, 'warning')];
    default:
      return [];
  }
}

function revokedText({ state, because }: FactOf<'gate.revoked'>, by: string): string {
  return state === 'revoked'
    ? `${by} took it back, so it is not allowed any more: ${because}`
    : `It is not allowed any more: ${because}`;
}

/** For the operators: the sender gets a 4xx, and most senders drop what was refused. */
function refusalNote({ source, code, at, because, more }: FactOf<'source.refused'>): Card {
  const rest = more === 0 ? '' : ` ${more} more were refused for this since the last note.`;
  const what = `${code}${at === null ? '' : ` at ${at}`}`;
  return noteCard(`${source}: a delivery of its sender was refused with ${what}. ${because}${rest}`, 'warning');
}

type ActOnAlert = Extract<
  Entry['fact'],
  { kind: `alert.${'acknowledged' | 'unacknowledged' | 'silenced' | 'unsilenced' | 'closed'}` }
>;

/** What somebody did to the alert, or what came to its end. */
function actNotes(fact: ActOnAlert, { actor, at }: Entry): Card[] {
  const by = nameOf(actor);
  const lasting = 'until' in fact && fact.until !== undefined ? ` for ${showDuration(fact.until - at)}` : '';
  const why = 'reason' in fact && fact.reason !== undefined ? `: ${fact.reason}` : '';
  const lapsed = actor.kind === 'system';
  switch (fact.kind) {
    case 'alert.acknowledged':
      return [noteCard(`Acknowledged by ${by}${lasting}${why}`)];
    case 'alert.unacknowledged':
      return [noteCard(lapsed ? 'The acknowledgement is over' : `${by} took the acknowledgement back`)];
    case 'alert.silenced':
      return [noteCard(`Silenced by ${by}${lasting}${why}`)];
    case 'alert.unsilenced':
      return [
        noteCard(
          `${lapsed ? 'The silence is over' : `${by} ended the silence`}, and the alert still fires. Nothing that it held back is started.`,
          'warning',
        ),
      ];
    case 'alert.closed':
      return [noteCard(`Closed by ${by}${why}`)];
  }
}

/** The outcome of a write-back. A note that was written at the origin, and how a run stands, are not repeated in the thread. */
function writeBackNotes(fact: Extract<Entry['fact'], { kind: 'origin.told' }>): Card[] {
  if (!fact.ok) return [noteCard(`${fact.source} was not told (${fact.what}): ${fact.text}`, 'warning')];
  return ['note', 'report', 'ticket-note'].includes(fact.what) || fact.text === ''
    ? []
    : [noteCard(fact.text, fact.what === 'page' ? 'warning' : 'info')];
}

function eventNotes(fact: Extract<Entry['fact'], { kind: 'event.accepted' }>, entry: Entry): Card[] {
  const { body } = fact.event;
  if (body.kind === 'notice') {
    const labels = Object.entries(body.labels).map(([label, value]) => ({ label, value, code: true }));
    return [
      {
        ...noteCard(body.title, 'info'),
        badge: body.type,
        blocks: labels.length === 0 ? [] : [{ kind: 'fields', fields: labels }],
      },
    ];
  }
  if (fact.effect === 'resolved') return [endNote(fact.end ?? null, nameOf(entry.actor))];
  if (fact.effect === 'reopened') return fact.quiet === true ? [] : [againNote];
  if (fact.effect === 'acknowledged') return [noteCard(`Acknowledged${byText(body)} at ${nameOf(entry.actor)}`)];
  if (fact.effect === 'unacknowledged') return [noteCard(`No longer acknowledged at ${nameOf(entry.actor)}`)];
  return [];
}

const againNote = noteCard(
  'It fires again after its resolve, so the episode goes on. Nothing starts by itself.',
  'warning',
);

/** What a resolve says; one that is no cure says so. */
function endNote(end: AlertEnd | null, source: string): Card {
  switch (end?.how) {
    case 'expired':
      return noteCard(`Ended at ${source}, which is no cure: ${end.because}`, 'warning');
    case 'merged':
      return noteCard(`Resolved at ${source}, but ${end.because}: it goes on there`, 'warning');
    case 'untold':
      return noteCard(`Resolved, says ${source}; before that, ${end.because}`, 'good');
    case 'gone':
      return noteCard(`No longer listed at ${source}, and no resolve came`, 'good');
    default:
      return noteCard(`Resolved, says ${source}`, 'good');
  }
}

function byText(body: Event['body']): string {
  return body.kind === 'alert' && body.by !== undefined ? ` by ${body.by}` : '';
}

/** All endings but success and a person's own decision call somebody. */
function endingNote(run: Run, config: Config): Card {
  const quiet = run.state === 'cancelled' || run.state === 'denied';
  return noteCard(
    endingText(inQuotes(run)),
    quiet ? 'neutral' : run.state === 'unconfirmed' || run.state === 'expired' ? 'warning' : 'error',
    quiet ? [] : whomToCall(run, config),
  );
}

/** A cure that did not hold calls people; anything else is good news. */
function amendedNote(fact: FactOf<'run.amended'>, run: Run | null, config: Config): Card {
  const title = run === null ? 'The run' : inQuotes(run).title;
  if (fact.state === undefined) return noteCard(`${title}: the alert ${fact.because}`, 'good');
  return noteCard(`${title} did not help after all: ${fact.because}`, 'error', whomToCall(run, config));
}

/** A title is the runbook's own, and may say anything. */
function inQuotes(run: Run): Run {
  return { ...run, title: quoted(run.title) };
}

/** Those who were asked for the run; else the operators. */
function whomToCall(run: Run | null, config: Config): readonly string[] {
  return run?.decision.ask?.by ?? config.operators;
}
