import { hmacOf, sameText } from '../../kernel/signature.ts';
import { markWith } from '../webhook/mark.ts';

/** The label by which a ticket is found again: it names alert and episode, and digits that only who has the token can make. */
export function labelOf(apiToken: string, alert: string, episode: number): string {
  const digits = hmacOf(apiToken, [`tocsin ticket ${alert} ${episode}`])
    .toString('hex')
    .slice(0, 16);
  return `tocsin-${alert}-${episode}-${digits}`;
}

/** Which episode of which alert a ticket with these labels was opened for; null for any other issue. */
export function ticketOf(labels: readonly string[], apiToken: string): { alert: string; episode: number } | null {
  for (const label of labels.slice(0, 200)) {
    const [, alert, told] = /^tocsin-([A-Za-z]+_[A-Za-z0-9]{1,60})-(\d{1,9})-[0-9a-f]{16}$/.exec(label) ?? [];
    if (alert === undefined || told === undefined) continue;
    const episode = Number(told);
    if (sameText(label, labelOf(apiToken, alert, episode))) return { alert, episode };
  }
  return null;
}

/** The longest comment, characters. Source: Jira, jira.text.field.character.limit: 32,767. */
const longest = 30_000;

/** Words as words, with the mark: in wiki markup they could mention people, embed something or hide it. */
export function commentOf(text: string, marker: string, apiToken: string): string {
  return asWords(markWith(apiToken).sign(text, marker, longest));
}

export function asWords(text: string): string {
  return `{noformat}\n${text.replaceAll('{noformat', '{ noformat')}\n{noformat}`;
}

export function isOwnComment(body: string, apiToken: string): boolean {
  return markWith(apiToken).isOwn(body.trimEnd().replace(/\{noformat\}$/, ''));
}
