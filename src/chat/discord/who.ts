import type { Act } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { Interaction, Slash } from './shapes.ts';

/** Maps an interaction to a person, by the user's id in our server. Anybody else is a stranger, with the reason. */
export function whoActed(from: Interaction, guild: string, host: ChatHost): Actor {
  const user = from.member?.user ?? from.user;
  if (user === undefined) return stranger('unknown', 'Discord names no user');
  if (from.guild_id == null || from.member === undefined)
    return stranger(user.id, 'this came from a direct message, not from our server');
  if (from.guild_id !== guild) return stranger(user.id, 'this came from another Discord server');
  if (user.bot === true || user.system === true) return stranger(user.id, 'this account is a bot');
  if (from.member.pending === true)
    return stranger(user.id, 'this account has not accepted the rules of the server yet');
  return host.whoIs({ platform: 'discord', id: user.id });
}

function stranger(id: string, because: string): Actor {
  return { kind: 'stranger', id: `discord:${id}`, via: 'discord', because };
}

/** The answer to a stranger. */
export function strangerText(who: Extract<Actor, { kind: 'stranger' }>): string {
  const id = who.id.replace(/^discord:/, '');
  return `Not done: ${who.because}. Somebody with access to tocsin.yaml can link you: people: { <you>: { accounts: { discord: "${id}" } } }.`;
}

const longestSubject = 200;

/**
 * The act of a stranger's command, so that its refusal is journalled like that of a press; null for commands that only read.
 */
export function wouldDo({ options: [sub] }: Slash['data']): Act | null {
  const given = (name: string) =>
    String(sub?.options.find(one => one.name === name)?.value ?? '').slice(0, longestSubject);
  switch (sub?.name) {
    case 'run':
      return { kind: 'run', runbook: given('runbook'), params: {}, alert: null, reason: null };
    case 'approve':
    case 'deny':
      return { kind: 'vote', approval: given('approval'), vote: sub.name, reason: null, seal: null };
    case 'revoke':
      return { kind: 'revoke', gate: given('gate'), reason: given('reason') };
    case 'cancel':
      return { kind: 'cancel', run: given('run'), reason: null };
    case 'ack':
      return { kind: 'acknowledge', alert: given('alert') };
    case 'unack':
      return { kind: 'unacknowledge', alert: given('alert') };
    case 'silence':
      return { kind: 'silence', alert: given('alert'), duration: 1 };
    case 'unsilence':
      return { kind: 'unsilence', alert: given('alert') };
    case 'close':
      return { kind: 'close', alert: given('alert'), reason: '' };
    case 'note':
      return { kind: 'note', alert: given('text').split(/\s/)[0] ?? '', run: null, gate: null, text: '' };
    case 'claim':
      return { kind: 'claim', change: given('change'), reason: '' };
    case 'break-glass':
      return { kind: 'break-glass', reason: given('reason') };
    case 'halt':
    case 'resume':
      return { kind: sub.name, reason: given('reason') };
    default:
      return null;
  }
}
