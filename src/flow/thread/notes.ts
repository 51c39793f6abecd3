import { nameOf } from '../../model/actor.ts';
import type { Card } from '../../model/card.ts';
import type { Config } from '../../model/config.ts';
import type { Entry } from '../../model/journal.ts';
import type { Run } from '../../model/run.ts';
import { decisionCard, endingText, noteCard } from './cards.ts';

/** Pure: the notes that an entry adds to its thread, besides the cards that it changes. Most entries add none. */
export function notesOf(entry: Entry, run: Run | null, config: Config): Card[] {
  const { fact } = entry;
  switch (fact.kind) {
    case 'event.accepted':
      return eventNotes(fact, entry);
    case 'decision.made':
      return [decisionCard(fact)];
    case 'alert.acknowledged':
      return [noteCard(`Acknowledged by ${nameOf(entry.actor)}`)];
    case 'alert.silenced':
      return [noteCard(`Silenced by ${nameOf(entry.actor)}`)];
    case 'alert.noted':
      return [noteCard(fact.text)];
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
      return [noteCard(`${run?.title ?? 'The run'}: the alert ${fact.because}`, 'good')];
    case 'step.said':
      return [noteCard(fact.text, fact.tone, fact.mention)];
    case 'step.answered':
      return [noteCard(`${nameOf(entry.actor)} chose to ${fact.choice} ${fact.step}`)];
    case 'origin.told':
      return writeBackNotes(fact);
    case 'halt.set':
      return [noteCard(`${nameOf(entry.actor)} halted everything: ${fact.reason}`, 'warning')];
    case 'halt.cleared':
      return [noteCard(`${nameOf(entry.actor)} resumed: ${fact.reason}`, 'good')];
    default:
      return [];
  }
}

/** The outcome of a write-back. A note that was written at the origin is not repeated in the thread. */
function writeBackNotes(fact: Extract<Entry['fact'], { kind: 'origin.told' }>): Card[] {
  if (!fact.ok) return [noteCard(`${fact.source} was not told (${fact.what}): ${fact.text}`, 'warning')];
  return fact.what === 'note' || fact.text === ''
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
  if (fact.effect === 'resolved') return [noteCard(`Resolved, says ${nameOf(entry.actor)}`, 'good')];
  if (fact.effect === 'reopened')
    return [
      noteCard('It fires again after a newer resolve, so the episode goes on. Nothing starts by itself.', 'warning'),
    ];
  if (fact.effect === 'acknowledged') return [noteCard(`Acknowledged at ${nameOf(entry.actor)}`)];
  return [];
}

/** All endings but success and a person's own decision call somebody. */
function endingNote(run: Run, config: Config): Card {
  const quiet = run.state === 'cancelled' || run.state === 'denied';
  return noteCard(
    endingText(run),
    quiet ? 'neutral' : run.state === 'unconfirmed' || run.state === 'expired' ? 'warning' : 'error',
    quiet ? [] : whomToCall(run, config),
  );
}

/** Those who were asked for the run; else the operators. */
function whomToCall(run: Run | null, config: Config): readonly string[] {
  return run?.decision.ask?.by ?? config.operators;
}
