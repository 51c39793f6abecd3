/**
 * Chat journeys as a person would tell them, on any platform:
 *
 *     await chat.channel('alerts').expectMessage(/disk/).thread().expectMessage(/May vote/)
 *       .press('Approve', as('alice')).expectTold(/Approved/).expectUpdate(/approved/).expectNoButton('Approve');
 *
 * A chain is told in order and awaited as a whole. Each `expectMessage` finds the next message at its place, below the one before;
 * `thread()` goes into the thread of a message. Every expectation waits, within a bound, until it holds; when it does not, the error
 * says what the place showed. A view may be kept and gone on from more than once; to await it yields the message as last seen.
 */
export interface Chat<M = unknown> {
  channel(name: string): PlaceView<M>;
  /** Throws when a chain was told and never awaited: nobody would hear of its failure. */
  expectAllAwaited(): void;
}

/** A text that is contained, or an expression that matches. */
export type Pattern = string | RegExp;

/** Somebody who presses and types, by the name that tests know them by. */
export interface Person {
  name: string;
}
export const as = (name: string): Person => ({ name });

/** A channel, or a thread without its root. */
export interface PlaceView<M = unknown> extends PromiseLike<Seen<M> | null> {
  expectMessage(pattern: Pattern): MessageView<M>;
  /** Waits until so many messages are there, and refuses more. */
  expectCount(messages: number): PlaceView<M>;
  /** A file here, by its content. */
  expectFile(pattern: Pattern): PlaceView<M>;
  /** Types a command, as it is written on every platform: `halt reason="..."`. */
  type(line: string, who: Person): ToldView<M, PlaceView<M>> & PlaceView<M>;
}

/** One message: whatever is expected of it is expected of the same message as it is edited. */
export interface MessageView<M = unknown> extends PromiseLike<Seen<M>> {
  thread(): PlaceView<M>;
  /** The next message below this one at the same place. */
  expectMessage(pattern: Pattern): MessageView<M>;
  /** A message in the thread of this one. */
  expectReply(pattern: Pattern): MessageView<M>;
  expectUpdate(pattern: Pattern): MessageView<M>;
  /** It does not say this, or does not say it any more. */
  expectNo(pattern: Pattern): MessageView<M>;
  expectButton(label: string): MessageView<M>;
  expectNoButton(label: string): MessageView<M>;
  expectReaction(name: string): MessageView<M>;
  expectNoReaction(name: string): MessageView<M>;
  /** Presses a button, and fills in the reason where the platform asks for one. */
  press(label: string, who: Person, reason?: string): ToldView<M, MessageView<M>> & MessageView<M>;
}

/** After a press or a command: what the person is told privately. */
export interface ToldView<M, Next> {
  /** Whoever acted is told this, and it stands nowhere that others read. */
  expectTold(pattern: Pattern): ToldView<M, Next> & Next;
  /** They are told something, and nothing like this. */
  expectNotTold(pattern: Pattern): ToldView<M, Next> & Next;
}

/** A message as people see it now. */
export interface Seen<M> {
  /** The same however often the message is edited. */
  id: string;
  text: string;
  buttons: readonly string[];
  reactions: readonly string[];
  /** What the double keeps of it, for what only its platform has. */
  of: M;
}

/** What the language needs of a platform: one adapter each, beside this file. */
export interface Platform<M> {
  name: string;
  /** The roots of a channel, oldest first. */
  roots(channel: string): Promise<Seen<M>[]>;
  /** What is in the thread of a root, oldest first, without the root. */
  replies(root: Seen<M>): Promise<Seen<M>[]>;
  /** The contents of the files in a thread. */
  files(root: Seen<M>): Promise<string[]>;
  /** Presses a button of the message as it is now; resolves to what the person is told privately. */
  press(message: Seen<M>, label: string, who: Person, reason?: string): Promise<string>;
  /** Types a line in a channel; resolves to what the person is told privately. */
  type(channel: string, line: string, who: Person): Promise<string>;
}

export function matches(text: string, pattern: Pattern): boolean {
  return typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text);
}
