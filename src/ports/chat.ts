import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Act, ActAnswer } from '../model/act.ts';
import type { Actor } from '../model/actor.ts';
import type { Card, Post } from '../model/card.ts';
import type { Config } from '../model/config.ts';
import type { NodeFacts } from '../model/node.ts';
import type { CheckTools, Finding } from './check.ts';
import type { SignIns } from './sign-ins.ts';
import type { Store } from './store.ts';

/** One chat platform. It shows posts and passes on what people do; it decides nothing and stores no truth. */
export interface ChatPlatform<Options = unknown> {
  /** The file's or folder's name. */
  id: string;
  about: string;
  options: z.ZodType<Options>;
  capabilities: ChatCapabilities;
  /** Whether the environment has what it needs, such as a token; a platform without this is always on. */
  isOn?(env: ChatHost['env']): boolean;
  /**
   * Rejects only for options that cannot work. A wrong token, a missing scope or a server that is down is no reason: the connection
   * tells it by `trouble()` and tries again with back-off by itself.
   */
  open(options: Options, host: ChatHost): Promise<ChatConnection>;
  /**
   * For `tocsin doctor`: looks at tokens, scopes, channels and groups by plain requests, without opening a connection, because a second one
   * would take events away from the process that runs. Changes nothing and never rejects.
   */
  check?(options: Options, tools: CheckTools): Promise<Finding[]>;
}

export interface ChatCapabilities {
  /** The longest text of one message, characters. */
  maxText: number;
  /** True when the platform streams output by itself from the store; otherwise the flow edits a post `output/<run>/<step>`. */
  streams: boolean;
  /** Milliseconds between two edits of one message. */
  editEvery: number;
  /** True when the stored post is the message, as in the console: it counts as delivered as soon as it is stored. */
  immediate?: boolean;
  /** What the platform takes; nothing is paced without it. */
  rateLimits?: RateLimits;
}

/** The platform's limits as it documents them; the flow stays a little below. What it says itself (`chat-limited`) comes first. */
export interface RateLimits {
  /** New messages in one channel. */
  posts: Rate;
  /** New messages over all channels; left out where only channels are limited. */
  allPosts?: Rate;
  /** Edits of messages of one channel; left out where only the method is limited. */
  edits?: Rate;
  /** Edits over all channels: the tier of the method, which all runs share. */
  allEdits?: Rate;
  /** True where each thread is a channel of its own and has its own limits (Discord). */
  threads?: boolean;
}

/** At most `count` in any `per` milliseconds. */
export interface Rate {
  count: number;
  per: number;
}

/** A text that is sent as a file. It is redacted and bounded already, and has no escape sequences. */
export interface ChatFile {
  /** A plain file name such as `disk-full-run_01.log`. */
  name: string;
  /** Read it once; a further try gets a fresh one. */
  text: AsyncIterable<string> | string;
}

export interface ChatConnection {
  /**
   * Makes the platform show the post as it is wanted: posts it first (in the thread of `root`), edits it later. `root` is the post whose
   * thread it is in, with the reference that the platform gave it; null for a post that goes into the channel itself. It travels with the
   * request because the store may not have that reference yet. Resolves to the platform's id of the message, a new one where the message
   * was deleted and had to be posted anew. Never posts a key twice: after an ambiguous failure it finds its own message again by metadata
   * or nonce. Has its own time-outs and never waits for a rate limit.
   *
   * Rejects with `chat-limited` (`retryAfter` says for how long, `at` names what is limited: `channel C1` or `method chat.update` or
   * `all`), `chat-down` (nothing gets through now), `chat-root-gone` (the root's message is not there: it is posted anew, then this one
   * is tried again), or `chat-refused` (it will not do, whatever is waited; the message says why and what to do). A refusal whose `at`
   * begins with `channel` is about the channel (it is gone, the bot is not in it): its threads move to the fallback channel. One whose `at`
   * begins with `thread` is about this thread (it is locked), any other about this message: what people have to decide is shown elsewhere,
   * the rest is left out, and other threads go on.
   */
  deliver(post: Post, root: Post | null): Promise<string>;
  /**
   * Sends a file into the thread of `root`. Rejects like `deliver`. Left out where the platform takes no files: then the post is delivered
   * instead, whose card has a link to the console.
   */
  upload?(post: Post, file: ChatFile, root: Post | null): Promise<void>;
  /** Names of channels that exist, as routes name them; null when any name does, or when it cannot be told now. */
  channels(): Promise<readonly string[] | null>;
  /** The members of a group that the platform itself manages, as accounts; null when it manages none of this name. */
  members(group: string): Promise<readonly string[] | null>;
  /** Where people see the post, for links from elsewhere; null when it has no address. */
  linkTo?(post: Post): string | null;
  /**
   * Only where every connection would be told everything (a gateway): begins or ends to hear what people do. Of several nodes the one that
   * posts hears; the others can look up groups and channels all the same. A connection without it hears from the beginning.
   */
  hear?(on: boolean): Promise<void>;
  /** null when well; otherwise what is wrong and what to do. */
  trouble(): string | null;
  close(): Promise<void>;
}

/** What a platform may use of the rest. */
export interface ChatHost {
  clock: Clock;
  log: Log;
  config(): Config;
  /** The value of an environment variable, for tokens. */
  env(name: string): string | undefined;
  /** Read only: the pages and commands show what is stored. */
  store: Store;
  /** Authorises and performs. Never rejects for a refusal; the answer says why. */
  act(who: Actor, act: Act): Promise<ActAnswer>;
  /** Runs a chat command line such as `run disk-full host=web-1`. `alert` is the thread's alert, when there is one. */
  command(who: Actor, line: string, context: CommandContext): Promise<CommandAnswer>;
  /** The person that an account belongs to, or a stranger. */
  whoIs(account: { platform: string; id: string }): Actor;
  /** The person or service that a bearer token belongs to (tokens of tocsin.yaml; the local key is `you`); null for an unknown token. Constant time. */
  bearer(token: string): Actor | null;
  signIns: SignIns;
  /** What Details shows, for the person who asks only. */
  details(subject: 'alert' | 'run' | 'approval', id: string): Promise<Card | null>;
  /**
   * Why: for an event, an alert (its newest event) or a run (its event), every runbook with the clause that held or failed, and every rule. What
   * would be decided now, without effect; null when nothing has this id.
   */
  explain(id: string): Promise<Explanation | null>;
  catalogue(): CatalogueView;
  /** What people who look at the console should know, one text each: a chat platform that is down, a channel that refuses, a route to nowhere, Redis. */
  troubles(): readonly string[];
  /** The nodes that are up, and what is wrong between them; one node alone has no problems. */
  fleet(): { nodes: readonly NodeFacts[]; problems: readonly string[] };
  /** The chat commands that exist, in the order of their names: for help, autocompletion and menus. */
  commands(): readonly CommandView[];
  /**
   * True for the first who asks with the key, on whichever node and across restarts, until `keep` milliseconds have passed: for what a
   * platform may hand over twice. Rejects when the store does not answer.
   */
  once(key: string, keep: number): Promise<boolean>;
  /** To be called when the members of a group changed, so that nobody votes by what they were; null for all groups of the platform. */
  membersChanged(platform: string, group: string | null): void;
  /** Called after each commit that changed something; `seq` is the journal's head. Returns how to stop. */
  onChange(listener: (seq: number) => void): () => void;
  /** Called for each live output chunk of a run. Returns how to stop. */
  onOutput(run: string, listener: () => void): () => void;
  /** Verifies the journal incrementally and tells its state. */
  journalState(): Promise<{ ok: boolean; head: number; checked: number; because: string | null }>;
  /** HTTP on the same port as everything else; null where no HTTP server runs. */
  http: FastifyInstance | null;
  /** Where the page is reachable, for links: `http://127.0.0.1:8080`. */
  baseUrl(): string;
  /** The local access key of the console, or null when tokens guard it. */
  localKey: string | null;
}

export interface CommandContext {
  platform: string;
  channel: string | null;
  alert: string | null;
  run: string | null;
}

export interface Explanation {
  event: string;
  alert: string | null;
  title: string;
  /** Runbooks whose trigger holds come first. */
  runbooks: readonly {
    runbook: string;
    holds: boolean;
    /** The clause that held or the first that failed. */
    because: string;
    /** What would be decided now; null when the trigger does not hold. */
    decision: { verdict: string; rule: string; because: string } | null;
    rules: readonly {
      name: string;
      when: string;
      result: 'holds' | 'does not hold' | 'failed' | 'not reached';
      because: string | null;
    }[];
  }[];
}

/** A chat command as help and menus show it. */
export interface CommandView {
  id: string;
  about: string;
  usage: string;
  args: readonly {
    name: string;
    about: string;
    required: boolean;
    of: 'runbook' | 'run' | 'approval' | 'alert' | 'text' | 'params';
  }[];
  examples: readonly string[];
}

export type CommandAnswer = { ok: true; card: Card } | { ok: false; code: string; text: string };

/** What lists and forms need to know of the loaded files. */
export interface CatalogueView {
  runbooks: readonly RunbookView[];
  rules: readonly { name: string; decide: string; when: string }[];
  problems: readonly { file: string; line: number; column: number; message: string }[];
}

export interface RunbookView {
  id: string;
  title: string;
  about: string;
  risk: string;
  params: readonly ParamView[];
  steps: readonly { id: string; title: string; type: string; shows: string }[];
  on: readonly string[];
  kind: 'yaml' | 'ts';
}

export interface ParamView {
  name: string;
  /** A `person` is the id of somebody in `people` of tocsin.yaml: a platform may let people choose an account, and asks `whoIs` whose it is. */
  type: 'string' | 'number' | 'boolean' | 'enum' | 'person';
  about: string;
  required: boolean;
  default: string | null;
  /** The values of an `enum`, the ids of people for a `person`, else none. */
  options: readonly string[];
}

export function defineChat<Options>(platform: ChatPlatform<Options>): ChatPlatform<Options> {
  return platform;
}
