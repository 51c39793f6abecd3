import { z } from 'zod';

/** Limits of a change: lengths in characters, and the number of facts. What is longer is cut, ids become their SHA-256 (`changeOf`). */
export const longestChange = { word: 200, id: 512, error: 1000, facts: 32, fact: 1000, factName: 100 } as const;

/** Facts of this name and what runs it (`image of checkout`) are images of containers. */
export const imageFact = 'image of ';

const word = z.string().min(1).max(longestChange.word);
const id = z.string().min(1).max(longestChange.id);

/**
 * What stood or stands there, as far as the sender tells it: some of its settings as texts, or a digest that names all of it (the commit of a
 * branch, the digest of an image, the version of an object).
 */
const state = z.discriminatedUnion('as', [
  z.object({ as: z.literal('facts'), facts: z.record(z.string().max(longestChange.factName), z.string()) }),
  z.object({ as: z.literal('digest'), digest: id }),
]);
export type ChangeState = z.infer<typeof state>;

/** Whether it was done. `unknown`: the sender does not say, or it is still under way. */
const outcome = z.discriminatedUnion('state', [
  z.object({ state: z.literal('success') }),
  /** `error` is the sender's word for why; left out where it has none. */
  z.object({ state: z.literal('failure'), error: z.string().min(1).max(longestChange.error).optional() }),
  z.object({ state: z.literal('unknown') }),
]);
export type ChangeOutcome = z.infer<typeof outcome>;

/** What somebody did to the environment, without the fields that all events have; `occurredAt` of those is when. What is not known is left out. */
export const change = {
  /** Who did it, by the sender's names: a display name, the stable id (an ARN, an account id), and the kind of actor. Left out when nobody is told. */
  actor: z.object({ name: word, id: id.optional(), type: word.optional() }).optional(),
  /** The verb, as the sender names it: `AuthorizeSecurityGroupIngress`, `push`, `deployment`. */
  action: word,
  /** What was changed: `id` is its identity at the sender (an ARN, `acme/checkout:refs/heads/main`), the same in every change of it. */
  resource: z.object({ type: word, id, name: word.optional() }),
  before: state.optional(),
  /** What it became; without success, what it was to become. */
  after: state.optional(),
  /** The account, cluster or organisation that it is in. */
  account: id.optional(),
  /** The environment that it is in, where the sender has such a thing: `production`. */
  environment: word.optional(),
  /** The region of the account that it is in. */
  region: word.optional(),
  /** From where it was done, an IP address; left out when a service acted for the caller. */
  address: word.optional(),
  /** The service that acted for the caller, as the sender names it: `cloudformation.amazonaws.com`. */
  via: word.optional(),
  outcome,
  /** The sender's own id of this change, the same by whichever way and however often it is told (`eventID` of CloudTrail, `auditID` of Kubernetes). */
  changeId: id.optional(),
};
