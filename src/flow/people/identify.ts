import { sameText } from '../../kernel/signature.ts';
import type { Actor } from '../../model/actor.ts';
import type { Config } from '../../model/config.ts';

/** Who somebody is, from what they can prove. */
export interface Identities {
  /** Constant time; null for a token that nobody has. */
  bearer(token: string): Actor | null;
  /** The token, or the key of the local person, that the secret is. Constant time; null when there is none. */
  proof(secret: string): Proof | null;
  /** The proof with this name, as it is now; null when it was withdrawn. */
  proofOf(name: string): Proof | null;
  whoIs(account: { platform: string; id: string }): Actor;
  /** What the actor's token may do; null when nothing limits it. */
  mayOf(who: Actor): readonly string[] | null;
}

export interface Proof {
  /** Stays when the secret changes: `env/NAME` for a token, `local` for the key. */
  name: string;
  secret: string;
  who: Actor;
  /** True for the key of the local person. */
  local: boolean;
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
  /** What an actor's token may do, by actor: the same person or service may have other tokens. */
  const limits = new WeakMap<Actor, readonly string[]>();
  /** All proofs that are valid now; the first of a name counts. */
  function proofs(): Proof[] {
    const tokens = parts.config().tokens.flatMap(token => {
      const secret = parts.env(token.env);
      if (secret === undefined || secret === '') return [];
      const who: Actor =
        'person' in token
          ? { kind: 'person', id: token.person, via: 'api', account: null }
          : { kind: 'service', id: token.service, via: 'api' };
      if (token.may !== undefined) limits.set(who, token.may);
      return [{ name: `env/${token.env}`, secret, who, local: false }];
    });
    if (parts.localKey === null) return tokens;
    const who: Actor = { kind: 'person', id: localPerson, via: 'api', account: null };
    return [{ name: 'local', secret: parts.localKey, who, local: true }, ...tokens];
  }
  // All are compared, so that timing does not reveal a near match.
  const proof = (secret: string) => proofs().filter(one => sameText(secret, one.secret))[0] ?? null;
  return {
    bearer: token => proof(token)?.who ?? null,
    proof,
    proofOf: name => proofs().find(one => one.name === name) ?? null,
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
