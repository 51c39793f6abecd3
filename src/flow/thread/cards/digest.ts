import { showDuration } from '../../../kernel/duration.ts';
import type { Card } from '../../../model/card.ts';
import type { Digest, DigestFigures } from '../../../model/statistics/digest.ts';
import { field } from './cards.ts';

/** What a week was like, for the channel of the people who had it. Medians are told, because one long night spoils a mean. */
export function digestCard({ week, figures, before, ...more }: Digest, link: string): Card {
  const { opened, withoutPeople, remediated } = figures;
  const fields = [
    field(
      'Alerts',
      then(String(opened), before, one => String(one.opened)),
    ),
    ...time('Acknowledged after', figures, before, one => one.acknowledged),
    ...time('Over after, with a runbook', figures, before, one => one.withRunbook),
    ...time('Over after, without one', figures, before, one => one.withoutRunbook),
    ...time('Decided after', figures, before, one => one.decided),
    field('Fixed by runbooks', fixedText(figures)),
    ...(figures.ran === 0 ? [] : [field('Did not help', ineffectiveText(figures, more.ineffective))]),
    ...list('Noisiest', more.noisiest, one => `${one.name} (${one.count})`),
    ...list('Asked most', more.asked, one => `${one.name} ${timesText(one.count)}${nightText(one.atNight)}`),
  ];
  return {
    tone: 'info',
    title: `Week of ${week}: ${opened} ${opened === 1 ? 'alert' : 'alerts'}, ${remediated} fixed by runbooks, ${withoutPeople} without people`,
    badge: null,
    blocks: [
      { kind: 'fields', fields },
      { kind: 'links', links: [{ label: 'All figures', url: link }] },
    ],
    buttons: [],
    mention: [],
  };
}

type Pick<T> = (figures: DigestFigures) => T;

function then(now: string, before: DigestFigures | null, pick: Pick<string>): string {
  return before === null ? now : `${now} (the week before ${pick(before)})`;
}

function time(label: string, figures: DigestFigures, before: DigestFigures | null, pick: Pick<number | null>) {
  const now = pick(figures);
  if (now === null) return [];
  const earlier = before === null ? null : pick(before);
  return [field(label, `${showDuration(now)}${earlier === null ? '' : ` (the week before ${showDuration(earlier)})`}`)];
}

function fixedText({ remediated, withoutPeople }: DigestFigures): string {
  if (remediated === 0) return 'none';
  return `${remediated}, ${withoutPeople} of them without people (${Math.round((100 * withoutPeople) / remediated)} %)`;
}

function ineffectiveText({ ran, ineffective }: DigestFigures, worst: Digest['ineffective']): string {
  const names = worst.map(one => `${one.name} ${timesText(one.count)}`).join(', ');
  return `${ineffective} of ${ran} runs${names === '' ? '' : `: ${names}`}`;
}

function list<T>(label: string, all: readonly T[], show: (one: T) => string) {
  return all.length === 0 ? [] : [field(label, all.map(show).join(', '))];
}

const timesText = (count: number) => (count === 1 ? 'once' : `${count} times`);
const nightText = (count: number) => (count === 0 ? '' : `, ${count} at night`);
