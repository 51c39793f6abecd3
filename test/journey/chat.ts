import type { Chat, MessageView, Pattern, Person, PlaceView, Platform, Seen, ToldView } from './language.ts';
import { matches } from './language.ts';

/** Where a chain has come to. */
interface Spot<M> {
  channel: string;
  /** The root whose thread this is; null in the channel. */
  root: Seen<M> | null;
  message: Seen<M> | null;
  told: string | null;
}

type View<M> = PlaceView<M> & MessageView<M> & ToldView<M, PlaceView<M> & MessageView<M>>;

const pause = 25;

/** `looks` is how often it looks at most for what must come, with a pause between: about twenty seconds. */
export function createChat<M>(platform: Platform<M>, looks = 800): Chat<M> {
  const until: Until = look => waitFor(look, looks);
  const loose = new Map<Promise<Spot<M>>, string>();

  /** Goes on from a spot. The error is made where the step is told, so that its stack leads to the line of the test. */
  function step(
    before: Promise<Spot<M>>,
    path: string,
    said: string,
    does: (spot: Spot<M>) => Promise<Spot<M>>,
  ): View<M> {
    const failure = new Error();
    failure.stack = failure.stack?.replaceAll(/\n.*\/journey\/chat\.ts:.*/g, '');
    const here = `${path}.${said}`;
    const after = before.then(async spot => {
      try {
        return await does(spot);
      } catch (error) {
        failure.message = `${here}: ${error instanceof Error ? error.message : error}\n${await show(platform, spot)}`;
        throw failure;
      }
    });
    loose.delete(before);
    loose.set(after, here);
    return view(after, here);
  }

  function view(at: Promise<Spot<M>>, path: string): View<M> {
    const on = (said: string, does: (spot: Spot<M>) => Promise<Spot<M>>) => step(at, path, said, does);
    /** Waits until the message of the spot, as it is now, is as wanted. */
    const onMessage = (said: string, holds: (message: Seen<M>) => boolean) =>
      on(said, async spot => {
        const message = await until(async () => {
          const now = await current(platform, spot);
          return holds(now) ? now : null;
        });
        return { ...spot, message };
      });
    const made = {
      expectMessage: (pattern: Pattern) =>
        on(`expectMessage(${pattern})`, spot => nextMessage(platform, spot, pattern, until)),
      expectReply: (pattern: Pattern) =>
        on(`expectReply(${pattern})`, spot => nextMessage(platform, intoThread(spot), pattern, until)),
      thread: () => on('thread()', async spot => intoThread(spot)),
      expectCount: (count: number) => on(`expectCount(${count})`, spot => expectCount(platform, spot, count, until)),
      expectFile: (pattern: Pattern) =>
        on(`expectFile(${pattern})`, async spot => {
          const { root } = spot;
          if (root === null) throw new Error('files are looked for in a thread');
          await until(async () => (await platform.files(root)).some(text => matches(text, pattern)));
          return spot;
        }),
      expectUpdate: (pattern: Pattern) => onMessage(`expectUpdate(${pattern})`, ({ text }) => matches(text, pattern)),
      expectNo: (pattern: Pattern) => onMessage(`expectNo(${pattern})`, ({ text }) => !matches(text, pattern)),
      expectButton: (label: string) => onMessage(`expectButton(${label})`, one => one.buttons.includes(label)),
      expectNoButton: (label: string) => onMessage(`expectNoButton(${label})`, one => !one.buttons.includes(label)),
      expectReaction: (name: string) => onMessage(`expectReaction(${name})`, one => one.reactions.includes(name)),
      expectNoReaction: (name: string) => onMessage(`expectNoReaction(${name})`, one => !one.reactions.includes(name)),
      press: (label: string, who: Person, reason?: string) =>
        on(`press(${label}, ${who.name})`, async spot => {
          const told = await platform.press(await current(platform, spot), label, who, reason);
          return { ...spot, told };
        }),
      type: (line: string, who: Person) =>
        on(`type(${line}, ${who.name})`, async spot => {
          if (spot.root !== null) throw new Error('commands are typed in a channel');
          return { ...spot, told: await platform.type(spot.channel, line, who) };
        }),
      expectTold: (pattern: Pattern) => on(`expectTold(${pattern})`, spot => expectTold(platform, spot, pattern)),
      expectNotTold: (pattern: Pattern) =>
        on(`expectNotTold(${pattern})`, async spot => {
          if (matches(spotTold(spot), pattern)) throw new Error(`they were told: ${spot.told}`);
          return spot;
        }),
      // biome-ignore lint/suspicious/noThenProperty: a chain is awaited as a whole
      then(done: (seen: never) => unknown, failed?: (error: unknown) => unknown) {
        loose.delete(at);
        return at.then(spot => spot.message as never).then(done, failed);
      },
    };
    return made as unknown as View<M>;
  }

  return {
    channel: name =>
      view(
        Promise.resolve({ channel: name, root: null, message: null, told: null }),
        `${platform.name}.channel(${name})`,
      ),
    expectAllAwaited() {
      const forgotten = [...loose.values()];
      loose.clear();
      if (forgotten.length > 0) throw new Error(`these chains were not awaited:\n${forgotten.join('\n')}`);
    },
  };
}

function intoThread<M>(spot: Spot<M>): Spot<M> {
  if (spot.message === null) throw new Error('no message was found whose thread this could be');
  if (spot.root !== null) throw new Error('a message in a thread has no thread of its own');
  return { ...spot, root: spot.message, message: null, told: null };
}

function messagesAt<M>(platform: Platform<M>, { channel, root }: Spot<M>): Promise<Seen<M>[]> {
  return root === null ? platform.roots(channel) : platform.replies(root);
}

async function nextMessage<M>(platform: Platform<M>, spot: Spot<M>, pattern: Pattern, until: Until): Promise<Spot<M>> {
  const message = await until(async () => {
    const all = await messagesAt(platform, spot);
    const before = all.findIndex(one => one.id === spot.message?.id);
    return all.slice(before + 1).find(one => matches(one.text, pattern));
  });
  return { ...spot, message, told: null };
}

async function current<M>(platform: Platform<M>, spot: Spot<M>): Promise<Seen<M>> {
  if (spot.message === null) throw new Error('no message was expected before');
  const { id } = spot.message;
  const found = (await messagesAt(platform, spot)).find(one => one.id === id);
  if (found === undefined) throw new Error('the message is gone');
  return found;
}

async function expectCount<M>(platform: Platform<M>, spot: Spot<M>, count: number, until: Until): Promise<Spot<M>> {
  const all = await until(async () => {
    const now = await messagesAt(platform, spot);
    return now.length >= count ? now : null;
  });
  if (all.length > count) throw new Error(`there are ${all.length}`);
  return spot;
}

function spotTold<M>({ told }: Spot<M>): string {
  if (told === null) throw new Error('nothing was pressed or typed before');
  if (told.trim() === '') throw new Error('they were told nothing');
  return told;
}

async function expectTold<M>(platform: Platform<M>, spot: Spot<M>, pattern: Pattern): Promise<Spot<M>> {
  const told = spotTold(spot);
  if (!matches(told, pattern)) throw new Error(`they were told: ${told}`);
  const read = [
    ...(await platform.roots(spot.channel)),
    ...(spot.root === null ? [] : await platform.replies(spot.root)),
  ];
  if (read.some(one => one.text.includes(told))) throw new Error(`everybody reads what only they are told: ${told}`);
  return spot;
}

type Until = <T>(look: () => Promise<T | null | undefined | false>) => Promise<T>;

async function waitFor<T>(look: () => Promise<T | null | undefined | false>, looks: number): Promise<T> {
  for (let tries = 0; tries < looks; tries++) {
    const found = await look();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, pause));
  }
  throw new Error('it did not come to that');
}

/** What people see at the place of the spot, for whoever reads the failure. */
async function show<M>(platform: Platform<M>, spot: Spot<M>): Promise<string> {
  const place = spot.root === null ? `channel ${spot.channel}` : `the thread of "${firstLine(spot.root.text)}"`;
  const all = await messagesAt(platform, spot).catch(error => error as Error);
  if (all instanceof Error) return `${place} could not be read: ${all.message}`;
  const lines = all.map(one => {
    const mark = one.id === spot.message?.id ? '>' : '-';
    const extras = one.reactions.length === 0 ? '' : `\n  reactions: ${one.reactions.join(' ')}`;
    return `${mark} ${one.text.trim().replaceAll('\n', '\n  ')}${extras}\n  buttons: ${one.buttons.join(', ') || 'none'}`;
  });
  return `${place} shows:\n${lines.join('\n') || '(nothing)'}`;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
