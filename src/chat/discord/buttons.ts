import { createHash } from 'node:crypto';
import { type Button, type Card, type DetailsSubject, detailsSubject } from '../../model/card.ts';
import type { ChatHost } from '../../ports/chat.ts';

/**
 * What a button's id refers to. Discord takes 100 characters, too few for an act with its seal. So the id names the card and a digest of
 * what the button does; the act with its seal is read from the stored card when it is pressed. A button grants no rights: host.act decides.
 */
export type Place = { kind: 'post'; key: string } | { kind: 'details'; subject: DetailsSubject; id: string };

const longest = 100;
const asks = { none: 'n', optional: 'o', required: 'r', confirm: 'c' } as const;

/** What a press asks for first: a reason, or to confirm what there is to know. */
type Asks = keyof typeof asks;

/** `b.<asks>.<digest>.p.<key>` or `b.<asks>.<digest>.<subject>.<id>`; null when it is too long, and then the button is left out. */
export function buttonReference(button: Button, place: Place): string | null {
  return writeReference({
    asks: button.confirm === true ? 'confirm' : button.reason,
    digest: digestOf(button),
    confirmed: null,
    place,
  });
}

/** With the seal of what was confirmed as `c<seal>` behind the digest. */
export function writeReference({ asks: asked, digest, confirmed, place }: Pressed): string | null {
  const where = place.kind === 'post' ? `p.${place.key}` : `${place.subject}.${place.id}`;
  const seal = confirmed === null ? '' : `.c${confirmed}`;
  const text = `b.${asks[asked]}.${digest}${seal}.${where}`;
  return text.length <= longest ? text : null;
}

export interface Pressed {
  asks: Asks;
  digest: string;
  /** The seal of the confirmation that was shown; null before one was. */
  confirmed: string | null;
  place: Place;
}

export function readReference(text: string): Pressed | null {
  const match = /^b\.([norc])\.([\w-]{16})(?:\.c([\w-]{22}))?\.(p|alert|run|approval|gate)\.(.+)$/s.exec(text);
  if (match === null) return null;
  const [, letter, digest = '', confirmed = null, subject, rest = ''] = match;
  const asked = letter === 'n' ? 'none' : letter === 'o' ? 'optional' : letter === 'c' ? 'confirm' : 'required';
  const about = detailsSubject.safeParse(subject);
  const place: Place = about.success ? { kind: 'details', subject: about.data, id: rest } : { kind: 'post', key: rest };
  return { asks: asked, digest, confirmed, place };
}

/** A digest of what the button does, 96 bits: enough to tell apart the buttons of one card and of its older versions. */
function digestOf({ label, does }: Button): string {
  return createHash('sha256')
    .update(JSON.stringify([label, does]))
    .digest('base64url')
    .slice(0, 16);
}

/** The place of a button on a private card: the subject that the card can be rendered from again. */
export function privatePlace(button: Button): Place | null {
  const { does } = button;
  if (does.kind === 'details') return { kind: 'details', subject: does.subject, id: does.id };
  switch (does.act.kind) {
    case 'vote':
      return { kind: 'details', subject: 'approval', id: does.act.approval };
    case 'cancel':
    case 'answer':
      return { kind: 'details', subject: 'run', id: does.act.run };
    case 'acknowledge':
    case 'unacknowledge':
    case 'silence':
    case 'unsilence':
    case 'close':
      return { kind: 'details', subject: 'alert', id: does.act.alert };
    case 'revoke':
      return { kind: 'details', subject: 'gate', id: does.act.gate };
    default:
      return null;
  }
}

/** Copies of a post in further channels end in ` @<channel>`; their card is that of the first. */
export function baseKey(key: string): string {
  const at = key.indexOf(' @');
  return at < 0 ? key : key.slice(0, at);
}

export interface Found {
  card: Card | null;
  /** Null when the card has changed since, and the button is gone. */
  button: Button | null;
}

/** The card as it is now, and the pressed button on it. */
export async function findButton(pressed: Pressed, host: ChatHost): Promise<Found> {
  const { place } = pressed;
  const card =
    place.kind === 'details'
      ? await host.details(place.subject, place.id)
      : ((await host.store.post('discord', place.key))?.card ?? null);
  return { card, button: card?.buttons.find(one => digestOf(one) === pressed.digest) ?? null };
}

/** The subject of a card, for the answer to a press on a button that no longer exists. */
export function subjectOf(place: Place): { subject: DetailsSubject; id: string } | null {
  if (place.kind === 'details') return place;
  const [subject, id = ''] = place.key.split('/');
  const about = detailsSubject.safeParse(subject);
  return about.success ? { subject: about.data, id } : null;
}
