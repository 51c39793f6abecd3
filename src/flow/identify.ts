import { timingSafeEqual } from 'node:crypto';
import { sha256 } from '../kernel/canonical.ts';
import type { Actor } from '../model/actor.ts';
import type { Config } from '../model/config.ts';

/** Who somebody is, from what they can prove. */
export interface Identities {
  /** Constant time; null for a token that nobody has. */
  bearer(token: string): Actor | null;
  whoIs(account: { platform: string; id: string }): Actor;
  /** What the actor's token may do; null when nothing limits it. */
  mayOf(who: Actor): readonly string[] | null;
}

export interface IdentityParts {
  config(): Config;
  /** The value of an environment variable; tokens of tocsin.yaml name theirs. */
  env(name: string): string | undefined;
  /** The key in the link that start prints, when the console is open to one local person. */
  localKey: string | null;
}

/** The person that the local key stands for. */
export const localPerson = 'you';

export function createIdentities(parts: IdentityParts): Identities {
  /** What the token may do with which each came: the same person or service may have other tokens. */
  const limits = new WeakMap<Actor, readonly string[]>();
  const tokens = () =>
    parts.config().tokens.flatMap(token => {
      const value = parts.env(token.env);
      return value === undefined || value === '' ? [] : [{ token, value }];
    });
  return {
    bearer(given) {
      if (parts.localKey !== null && same(given, parts.localKey))
        return { kind: 'person', id: localPerson, via: 'api', account: null };
      // Every token is compared, so that the time does not tell which one was near.
      const found = tokens()
        .filter(({ value }) => same(given, value))
        .at(0)?.token;
      if (found === undefined) return null;
      const who: Actor =
        'person' in found
          ? { kind: 'person', id: found.person, via: 'api', account: null }
          : { kind: 'service', id: found.service, via: 'api' };
      if (found.may !== undefined) limits.set(who, found.may);
      return who;
    },
    whoIs({ platform, id }) {
      for (const [person, facts] of Object.entries(parts.config().people)) {
        if (facts.accounts[platform] === id)
          return { kind: 'person', id: person, via: platform, account: `${platform}:${id}` };
      }
      return { kind: 'stranger', id: `${platform}:${id}`, via: platform, because: 'nobody in people has this account' };
    },
    mayOf: who => limits.get(who) ?? null,
  };
}

function same(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(a)), Buffer.from(sha256(b)));
}
