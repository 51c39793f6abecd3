import { TocsinError } from '../../kernel/errors.ts';
import type { IncomingEvent } from '../../model/event.ts';
import type { Expression } from '../../model/expression/expression.ts';
import { labelsOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { attempt, evaluate, textsOf } from '../webhook/cel.ts';
import { alertOf, noticeOf } from '../webhook/events.ts';
import { severityFor, stateOf } from '../webhook/words.ts';
import type { Mail } from './mail.ts';
import type { Facts, Options, Rule } from './options.ts';

/** How old a mail's Date may be to be believed, milliseconds: a queue keeps a mail for days, and a dead clock says 1970. */
const oldest = 5 * 24 * 3_600_000;

/** A mail without a date that can be believed is as old as its arrival. */
function newsOf(date: number | null, now: number): number | null {
  return date !== null && date <= now && date > now - oldest ? date : null;
}

/**
 * Pure: the event of a mail, by the first rule that takes it; a notice when none does. A rule whose expression fails, or makes no state,
 * leaves a notice that says so: the mail is not lost.
 */
export function eventOf(mail: Mail, given: Options, now: number): IncomingEvent {
  const delivery = { headers: {}, body: Buffer.alloc(0), at: now };
  const kept = labelsOf({ from: mail.from, sender: mail.sender });
  const notice = (type: string, more: Record<string, string> = {}) =>
    noticeOf({ title: titleOf(mail), labels: { ...kept, ...more }, urls: {}, fingerprint: '', type }, delivery);
  for (const [index, rule] of given.rules.entries()) {
    const name = rule.name ?? `rules.${index}`;
    try {
      const found = foundBy(rule, mail, index);
      if (found === null) continue;
      return madeBy(rule, { mail, found }, `rules.${index}`, given, delivery) ?? notice('mail', { rule: name });
    } catch (error) {
      if (!(error instanceof TocsinError)) throw error;
      return notice('rule-failed', { rule: name, tocsin_note: `${error.message} ${error.at ?? ''}`.trim() });
    }
  }
  return notice('mail');
}

function titleOf({ subject, from }: Mail): string {
  return subject === '' ? `A mail without a subject from ${from || 'nobody'}` : subject;
}

/** The named groups of the patterns of a rule; null when it does not take the mail. */
function foundBy(rule: Rule, mail: Mail, index: number): Record<string, string> | null {
  const found: Record<string, string> = Object.create(null);
  for (const part of ['subject', 'text', 'from'] as const) {
    const pattern = rule[part];
    if (pattern === undefined) continue;
    const groups = pattern.groups(mail[part]);
    if (groups === null) return null;
    // A group that took no part is the empty text, as a missing label is.
    for (const name of pattern.names) found[name] = groups[name] ?? '';
  }
  if (rule.where === undefined) return found;
  return evaluate(`rules.${index}.where`, rule.where, { mail, found }) ? found : null;
}

/** Null for a rule that makes a notice. Throws `bad-body` that names the expression. */
function madeBy(rule: Rule, facts: Facts, where: string, given: Options, delivery: Delivery): IncomingEvent | null {
  const { mail } = facts;
  const value = (part: string, of: string | Expression<Facts, string>) =>
    typeof of === 'string' ? of : evaluate(`${where}.${part}`, of, facts);
  const state = stateOf(value('state', rule.state), given.states);
  if (state === null)
    throw new TocsinError('bad-body', { message: 'The rule makes a word that is no state.', at: `${where}.state` });
  const fingerprint = value('fingerprint', rule.fingerprint ?? '').trim();
  const common = {
    title: (rule.title === undefined ? undefined : attempt(`${where}.title`, rule.title, facts)) || titleOf(mail),
    labels: labelsOf({
      from: mail.from,
      sender: mail.sender,
      ...(mail.attachments === 0 ? {} : { attachments: String(mail.attachments) }),
      ...textsOf(`${where}.labels`, rule.labels, facts, attempt),
    }),
    urls: textsOf(`${where}.links`, rule.links, facts, attempt),
    fingerprint,
  };
  if (state === 'notice') return noticeOf({ ...common, type: 'mail' }, delivery);
  if (fingerprint === '')
    throw new TocsinError('bad-body', { message: 'The rule makes an empty fingerprint.', at: `${where}.fingerprint` });
  const news = newsOf(mail.date, delivery.at);
  return alertOf(
    {
      ...common,
      state,
      severity: severityFor(value('severity', rule.severity), given.severities),
      annotations: labelsOf({ description: mail.text, message_id: mail.messageId ?? '' }),
      news: { name: 'Date', value: news },
      start: { name: 'Date', value: null },
    },
    delivery,
  );
}
