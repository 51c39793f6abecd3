import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import { sameText } from '../../kernel/signature.ts';
import type { Actor } from '../../model/actor.ts';
import type { Config } from '../../model/config.ts';
import type { SignIn, SignIns } from '../../ports/sign-ins.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { type Identities, localPerson, type Proof } from './identify.ts';

export interface SignInParts {
  clock: Pick<Clock, 'now'>;
  store: Pick<Store, 'claimed'>;
  feed: Pick<Feed, 'commit'>;
  identities: Pick<Identities, 'proof' | 'proofOf'>;
  config(): Pick<Config, 'people'>;
  /** The secret that all nodes share. */
  key: string;
}

/** How long a sign-in holds, milliseconds. */
const life = 12 * 3_600_000;
/** How much longer than a sign-in its end is remembered, milliseconds: clocks differ, and claims go by the store's. */
const slack = 3_600_000;

/** More characters than any pass has; a longer one, from a stranger, is not parsed. */
const longestPass = 2000;

const endedSpace = 'sign-out';

/** What a pass contains: its id, the name of its token, the id of its actor, and when it was made. */
const facts = z.strictObject({ id: z.string(), by: z.string(), as: z.string(), at: z.int() });
type Facts = z.infer<typeof facts>;

/**
 * A pass is `<facts>.<HMAC-SHA256>`. The HMAC key is derived from the token that opened it, with a salt derived from the shared key. So
 * without the token no pass can be made, not even with the shared key from the database, and a token that changes ends its passes.
 */
export function createSignIns({ clock, store, feed, identities, config, key }: SignInParts): SignIns {
  const salt = derive(key, '', 'tocsin sign-ins');
  const mac = (proof: Proof, use: 'pass' | 'form', text: string) =>
    createHmac('sha256', derive(proof.secret, salt, use))
      .update(text)
      .digest('base64url');

  function make(proof: Proof, given: Facts): SignIn | null {
    const who = actorOf(proof, given.as, config());
    if (who === null) return null;
    const text = Buffer.from(JSON.stringify(given)).toString('base64url');
    const form = mac(proof, 'form', given.id);
    const { id, at } = given;
    return { id, pass: `${text}.${mac(proof, 'pass', text)}`, form, who, local: proof.local, until: at + life };
  }

  function verify(pass: string): SignIn | null {
    const given = parse(pass);
    const proof = given === null ? null : identities.proofOf(given.by);
    const made = given === null || proof === null ? null : make(proof, given);
    return made !== null && sameText(pass, made.pass) && clock.now() < made.until ? made : null;
  }

  return {
    realm: createHmac('sha256', salt).update('realm').digest('hex').slice(0, 8),
    open(secret) {
      const proof = identities.proof(secret);
      const id = randomBytes(16).toString('base64url');
      return proof === null ? null : make(proof, { id, by: proof.name, as: proof.who.id, at: clock.now() });
    },
    async read(pass) {
      const signIn = pass === undefined || pass.length > longestPass ? null : verify(pass);
      if (signIn === null || (await store.claimed({ space: endedSpace, key: signIn.id }))) return null;
      return signIn;
    },
    actAs(signIn, person) {
      const given = parse(signIn.pass);
      const proof = given === null ? null : identities.proofOf(given.by);
      return given === null || proof === null || !proof.local ? null : make(proof, { ...given, as: person });
    },
    async end({ id, until }) {
      const now = clock.now();
      try {
        await feed.commit({
          guards: [{ kind: 'claim', space: endedSpace, key: id, at: now, keep: until - now + slack }],
        });
      } catch (error) {
        // Two tabs may sign out at once.
        if (!isCode(error, 'guard-failed')) throw error;
      }
    },
  };
}

function derive(secret: string, salt: string, use: string): string {
  return Buffer.from(hkdfSync('sha256', secret, salt, use, 32)).toString('hex');
}

function parse(pass: string): Facts | null {
  try {
    const parsed = facts.safeParse(JSON.parse(Buffer.from(pass.split('.')[0] ?? '', 'base64url').toString()));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Null when the proof may not act as `as`. A token belongs to one actor; the local person may act as anybody in tocsin.yaml. */
function actorOf(proof: Proof, as: string, { people }: Pick<Config, 'people'>): Actor | null {
  if (!proof.local) return proof.who.id === as ? proof.who : null;
  if (as !== localPerson && !Object.hasOwn(people, as)) return null;
  return { kind: 'person', id: as, via: 'console', account: `console:${as}` };
}
