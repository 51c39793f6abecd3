import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Json } from '../kernel/canonical.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Act, ActAnswer } from '../model/act.ts';
import type { Actor } from '../model/actor.ts';
import type { Card, DetailsSubject, Post } from '../model/card.ts';
import type { Config } from '../model/config.ts';
import type { Verdict } from '../model/decision.ts';
import type { EvidenceRef } from '../model/gates/evidence.ts';
import type { GateState } from '../model/gates/gate.ts';
import type { BadMatch } from '../model/gates/known-bad.ts';
import type { NodeFacts } from '../model/node.ts';
import type { CheckTools, Finding } from './check.ts';
import type { Overview } from './overview.ts';
import type { SignIns } from './sign-ins.ts';
import type { Store } from './store.ts';

/** A chat platform driver. It shows posts and passes on what people do. It makes no decisions and holds no state of record. */
export interface ChatPlatform<Options = unknown> {
  /** The name of its file or folder. */
  id: string;
  about: string;
  options: z.ZodType<Options>;
  capabilities: ChatCapabilities;
  /** True when the environment has what it needs, such as a token. A platform without this method is always on. */
  isOn?(env: ChatHost['env']): boolean;
  /**
   * Rejects only for options that can never work. For a wrong token, a missing scope or a server that is down it resolves; the connection
   * reports the problem by `trouble()` and retries with back-off.
   */
  open(options: Options, host: ChatHost): Promise<ChatConnection>;
  /**
   * For `tocsin doctor`: checks tokens, scopes, channels and groups by plain requests. It opens no connection, because a second one would
   * take events away from the running process. Changes nothing and never rejects.
   */
  check?(options: Options, tools: CheckTools): Promise<Finding[]>;
}

export interface ChatCapabilities {
  /** The longest text of one message, characters. */
  maxText: number;
  /** True when the platform streams live output from the store itself; otherwise the flow edits the post `output/<run>/<step>`. */
  streams: boolean;
  /** The shortest time between two edits of one message, milliseconds. */
  editEvery: number;
  /** True when the stored post is the message itself, as in the console: it counts as delivered once it is stored. */
  immediate?: boolean;
  /** True when it counts the time that is left down by itself; otherwise the flow has open questions edited every five minutes. */
  countsDown?: boolean;
  /** The rate limits of the platform; without them there is no rate limiter. */
  rateLimits?: RateLimits;
  /** What of this card the platform would cut away, so that people can be told before they decide. Left out where nothing is. */
  hides?(card: Card): readonly Hidden[];
}

/** A part of a card that a platform does not show. */
export interface Hidden {
  /** For people: `the commands`, or the label of a field. */
  what: string;
  /** Characters. */
  count: number;
  /** The end of what is hidden, at most 200 characters. */
  end: string;
}

/** Rate limits as the platform documents them. The rate limiter stays a little below; a `chat-limited` of the platform takes precedence. */
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

/**
 * At most `count` in any `per` milliseconds. Of these `burst` may go at once, the others evenly; a tenth of them and 4 at most when it is left
 * out, since platforms refuse a burst also where the rate has room for it.
 */
export interface Rate {
  count: number;
  per: number;
  burst?: number;
}

/** What is sent as a file. */
export type ChatFile = TextFile | PictureFile;

/** A text, already redacted, bounded and free of escape sequences. */
export interface TextFile {
  /** A plain file name such as `disk-full-run_01.log`. */
  name: string;
  /** Can be read once; a retry gets a new one. */
  text: AsyncIterable<string> | string;
}

/** A picture (PNG). */
export interface PictureFile {
  name: string;
  png: Uint8Array;
  /** The picture in words, for people who cannot see it. Data, never markup. */
  alt: string;
}

export interface ChatConnection {
  /**
   * Makes the platform show the wanted version of the post: posts it at first (in the thread of `root`), edits it later. `root` is the post
   * whose thread it is in, with the platform's reference; null for a post in the channel itself. The root is passed in because the store
   * may not have its reference yet. Resolves to the platform's id of the message, which is a new one when the message was deleted and
   * posted anew. Idempotent by key: after an ambiguous failure it finds its own message by metadata or nonce. Has its own time-outs and
   * never waits for a rate limit.
   *
   * Rejects with one of:
   * - `chat-limited`: rate-limited for `retryAfter` ms; `at` says what is limited (`channel C1`, `method chat.update` or `all`).
   * - `chat-down`: the platform cannot be reached now.
   * - `chat-root-gone`: the root's message is missing. The root is posted anew, then this post is tried again.
   * - `chat-refused`: permanent; the message says why and what to do. When `at` begins with `channel`, the channel is unusable (it is gone,
   *   or the bot is not in it) and its threads move to the fallback channel. When `at` begins with `thread`, this thread is unusable (it is
   *   locked); otherwise only this message is. Then messages that need a decision are shown elsewhere, the rest is left out, and other
   *   threads continue.
   */
  deliver(post: Post, root: Post | null): Promise<string>;
  /**
   * Sends a file into the thread of `root`. Rejects like `deliver`. A platform that takes no files leaves it out; then the post is
   * delivered instead, and its card links to the console.
   */
  upload?(post: Post, file: ChatFile, root: Post | null): Promise<void>;
  /** Names of the existing channels, as in routes; null when any name is valid, or when the list is not available now. */
  channels(): Promise<readonly string[] | null>;
  /** The accounts in a group that the platform manages; null when it has no group of this name. */
  members(group: string): Promise<readonly string[] | null>;
  /** The URL of the post, for links from elsewhere; null when it has none. */
  linkTo?(post: Post): string | null;
  /**
   * Starts or stops receiving what people do. For platforms that send all events to every connection (a gateway): of several nodes only the
   * one that posts receives them, while the others can still look up groups and channels. A connection without it receives from the start.
   */
  hear?(on: boolean): Promise<void>;
  /** null when healthy; otherwise what is wrong and what to do. */
  trouble(): string | null;
  close(): Promise<void>;
}

/** The services that a chat platform may use. */
export interface ChatHost {
  clock: Clock;
  log: Log;
  config(): Config;
  /** The value of an environment variable, for tokens. */
  env(name: string): string | undefined;
  /** For reading only, by pages and commands. */
  store: Store;
  /** Authorises and performs an act. A refusal does not reject; the answer says why. */
  act(who: Actor, act: Act): Promise<ActAnswer>;
  /** Keeps a short text under a name, which `store.memo` reads: settings of people, which are not journalled. */
  keep(name: string, text: string): Promise<void>;
  /** Runs a chat command line such as `run disk-full host=web-1`. `alert` is the thread's alert, when there is one. */
  command(who: Actor, line: string, context: CommandContext): Promise<CommandAnswer>;
  /** The person that an account belongs to, or a stranger. */
  whoIs(account: { platform: string; id: string }): Actor;
  /**
   * The person or service that a bearer token of tocsin.yaml belongs to (the local key is `you`); null for an unknown token. Constant time.
   */
  bearer(token: string): Actor | null;
  signIns: SignIns;
  /** A stored picture as SVG; null when it is stored no more. Show it to people who are signed in. */
  picture(id: string, theme: 'light' | 'dark'): Promise<string | null>;
  /** The card of a Details button. Show it only to the person who asked. */
  details(subject: DetailsSubject, id: string): Promise<Card | null>;
  /**
   * Explains the decision on an event, an alert (its newest event) or a run (its event, or the request of the person who started it): every
   * runbook with the clause that held or failed, and every rule. It evaluates what would be decided now, without effects. Null when nothing
   * has this id.
   */
  explain(id: string): Promise<Explanation | null>;
  /** The same for a question of a gate: what was decided then, and what would be decided now. Null when nothing has this id. */
  explainGate(id: string): Promise<GateExplanation | null>;
  catalogue(): CatalogueView;
  /** Problems to show in the console, one text each: a chat platform is down, a channel refuses, a route leads nowhere, Redis. */
  troubles(): readonly string[];
  /** The sources of tocsin.yaml in its order. */
  sources(): readonly SourceView[];
  /** One of them with all that may be shown; null when there is none of this name. */
  source(name: string): SourceDetail | null;
  /** Who may do what, what is due, and how everything is. */
  overview: Overview;
  /** The nodes that are up, and problems between them; a single node has none. */
  fleet(): { nodes: readonly NodeFacts[]; problems: readonly string[] };
  /** All chat commands, sorted by name, for help, autocompletion and menus. */
  commands(): readonly CommandView[];
  /**
   * Claims an idempotency key: true for the first call with the key on any node, also across restarts, within `keep` milliseconds. For
   * events that a platform may deliver twice. Rejects when the store does not answer.
   */
  once(key: string, keep: number): Promise<boolean>;
  /** Call it when the members of a group changed, so that no vote relies on the old members; null for all groups of the platform. */
  membersChanged(platform: string, group: string | null): void;
  /** Calls the listener after each commit; `seq` is the journal's head. Returns the function that unsubscribes. */
  onChange(listener: (seq: number) => void): () => void;
  /** Calls the listener for each live output chunk of a run. Returns the function that unsubscribes. */
  onOutput(run: string, listener: () => void): () => void;
  /** Verifies the journal incrementally and resolves to its state. */
  journalState(): Promise<{ ok: boolean; head: number; checked: number; because: string | null }>;
  /** The shared HTTP server; null where none runs. */
  http: FastifyInstance | null;
  /** The base URL for links, such as `http://127.0.0.1:8080`. */
  baseUrl(): string;
  /** The local access key of the console, or null when tokens guard it. */
  localKey: string | null;
}

export interface CommandContext {
  platform: string;
  channel: string | null;
  alert: string | null;
  run: string | null;
  /** The gate of the thread. */
  gate: string | null;
}

export interface Explanation {
  /** Null for a run that somebody started: no event is behind it. */
  event: string | null;
  alert: string | null;
  title: string;
  /** For a run that somebody started: who, and what policy said then; null for what an event asks for. */
  started: {
    run: string;
    /** For people: `alice`, `service ci`. */
    by: string;
    decided: { verdict: string; rule: string; because: string };
  } | null;
  /** Runbooks whose trigger holds come first. */
  runbooks: readonly {
    runbook: string;
    holds: boolean;
    /** The clause that held, or the first that failed. */
    because: string;
    /** The parameters that its trigger makes of the event; null when it does not hold, or could not make them. */
    params?: Readonly<Record<string, Json>> | null;
    /** What would be decided now; null when the trigger does not hold. */
    decision: { verdict: string; rule: string; because: string } | null;
    rules: readonly {
      name: string;
      when: string;
      result: 'holds' | 'does not hold' | 'failed' | 'not reached';
      /** The clause that is false, or why it failed; null when it holds or was not reached. */
      because: string | null;
    }[];
  }[];
}

/** Why a gate was decided as it was, and what would be decided if it were asked now. */
export interface GateExplanation {
  gate: string;
  /** The gate of gates.yaml. */
  name: string;
  title: string;
  state: GateState;
  /** How it came to its state. */
  because: string;
  /** What policy said when it was asked. */
  decided: { verdict: Verdict; rule: string; because: string };
  now: { verdict: Verdict; rule: string; because: string };
  rules: readonly {
    name: string;
    when: string;
    result: 'holds' | 'does not hold' | 'failed' | 'not reached' | 'not of gates';
    /** The clause that is false, or why it failed; null when it holds or was not reached. */
    because: string | null;
  }[];
  knownBad: { asked: readonly BadMatch[]; now: readonly BadMatch[] };
  /** `kept` is false when what the documents said is stored no more: then it counts as absent now. */
  evidence: { kept: boolean; documents: readonly EvidenceRef[] };
}

/** A chat command, for help and menus. */
export interface CommandView {
  id: string;
  about: string;
  usage: string;
  args: readonly {
    name: string;
    about: string;
    required: boolean;
    of: 'runbook' | 'run' | 'approval' | 'alert' | 'gate' | 'text' | 'params';
  }[];
  examples: readonly string[];
}

export type CommandAnswer = { ok: true; card: Card } | { ok: false; code: string; text: string };

/** The loaded files, for lists and forms. */
export interface CatalogueView {
  runbooks: readonly RunbookView[];
  rules: readonly { name: string; decide: string; when: string }[];
  problems: readonly { file: string; line: number; column: number; message: string }[];
}

export interface SourceView {
  name: string;
  /** The id of its driver. */
  type: string;
  about: string;
  /** The largest body, bytes; null for a source that takes no deliveries. */
  maxBody: number | null;
  /** False when nothing proves who sends, so that its events only ask or notify; null for a source that takes no deliveries. */
  proof: boolean | null;
  /** Why deliveries of its proven sender are refused by this node; null when it is well. */
  trouble: string | null;
}

export interface SourceDetail extends SourceView {
  /** Where its sender posts to; null for a source that takes no deliveries. */
  url: string | null;
  /** What to do at the sender, in order. The secret is not in them. */
  steps: readonly string[];
  /** The page of the documentation, from the root of the repository. */
  page: string | null;
  /** Its options in tocsin.yaml, as YAML, with secrets masked. */
  options: string;
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
  /** The same steps as they stand to each other; left out where code decides. */
  shape?: readonly StepShapeView[];
}

export interface StepShapeView {
  id: string;
  title: string;
  type: string;
  /** The expression without which it is skipped. */
  when: string | null;
  /** The type of the step that undoes it. */
  undo: string | null;
  /** The steps that run beside each other, for one of type `parallel`. */
  branches: readonly StepShapeView[];
}

export interface ParamView {
  name: string;
  /** A `person` is an id in `people` of tocsin.yaml. A platform may offer a choice of accounts and map the account with `whoIs`. */
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
