import { checkHmac, hmacOf } from '../../kernel/signature.ts';
import type { Options } from './options.ts';

/**
 * Marks of what Tocsin writes about runs, by which it knows it when it comes back as a webhook. They are made with the secret of the
 * webhook and hold for one place and one state, so who may write at GitHub cannot make one, and cannot hide a failure behind a copy.
 */
export function markOf({ secret = [] }: Options, parts: readonly string[]): string {
  return hmacOf(secret[0] ?? '', [messageOf(parts)]).toString('hex');
}

/** True for a mark of ours, made with any of the secrets. Constant time. */
export function isMark({ secret = [] }: Options, parts: readonly string[], mark: string): boolean {
  return checkHmac({ secrets: secret, parts: [messageOf(parts)], signatures: [mark], encoding: 'hex' });
}

/** The address with the mark in its fragment, where nobody reads it. */
export function sealed(url: string, mark: string): string {
  return `${url.replace(/#.*$/s, '')}#tocsin-${mark}`;
}

export function sealIn(url: string): string {
  return /#tocsin-([0-9a-f]{64})$/.exec(url)?.[1] ?? '';
}

/** Names of places and contexts are the same in any case. */
function messageOf(parts: readonly string[]): string {
  return `tocsin ${JSON.stringify(parts.map(part => part.toLowerCase()))}`;
}
