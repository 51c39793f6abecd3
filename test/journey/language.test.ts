import { beforeEach, describe, expect, it } from 'vitest';
import { createChat } from './chat.ts';
import { as, type Chat, type PlaceView, type Platform, type Seen } from './language.ts';

/** Every verb holds where it should, and fails where it should: a language that cannot fail proves nothing. */
const message = (id: string, text: string, over: Partial<Seen<string>> = {}): Seen<string> => ({
  id,
  text,
  buttons: [],
  reactions: [],
  of: id,
  ...over,
});
const alice = as('alice');

let roots: Seen<string>[];
let replies: Seen<string>[];
let told: string;
let pressed: unknown[][];
let chat: Chat<string>;

beforeEach(() => {
  roots = [message('r1', 'disk is full', { reactions: ['fire'] }), message('r2', 'memory is full')];
  replies = [
    message('m1', 'Run it?', { buttons: ['Approve'] }),
    message('m2', 'one vote'),
    message('m3', 'Run it? said again'),
  ];
  told = 'Only you read this.';
  pressed = [];
  const platform: Platform<string> = {
    name: 'fake',
    roots: async name => (name === 'ops' ? roots : []),
    replies: async root => (root.id === 'r1' ? replies : []),
    files: async () => ['line 1\nline 2'],
    async press(one, label, who, reason) {
      if (!one.buttons.includes(label)) throw new Error(`there is no button ${label}`);
      pressed.push([one.id, label, who.name, reason]);
      return told;
    },
    type: async (channel, line, who) => {
      pressed.push([channel, line, who.name]);
      return told;
    },
  };
  chat = createChat(platform, 3);
});

const disk = () => chat.channel('ops').expectMessage('disk');
const question = () => disk().thread().expectMessage('Run it?');

describe('the language of journeys', () => {
  it('tells a whole journey in one chain, and yields the message that it came to', async () => {
    const seen = await question()
      .press('Approve', alice, 'why')
      .expectTold(/Only/)
      .expectUpdate(/Run it\?/);
    expect(seen.of).toBe('m1');
    expect(pressed).toEqual([['m1', 'Approve', 'alice', 'why']]);
    await chat.channel('ops').type('halt', alice).expectTold('Only you');
    expect(pressed.at(-1)).toEqual(['ops', 'halt', 'alice']);
  });

  it('goes down a place: each message stands below the one before', async () => {
    expect((await question().expectMessage('Run it?')).of).toBe('m3');
    await expect(question().expectMessage('one vote').expectMessage('one vote')).rejects.toThrow(
      'did not come to that',
    );
    expect((await chat.channel('ops').expectMessage('full').expectMessage('full')).of).toBe('r2');
    expect((await disk().expectReply('one vote')).of).toBe('m2');
  });

  it('waits for what comes later, and follows one message through its edits', async () => {
    replies = [];
    const late = disk().thread().expectMessage('late');
    replies = [message('m9', 'late', { buttons: ['Approve'] })];
    await late;
    const edited = late.expectUpdate('edited').expectNoButton('Approve').expectReaction('ok');
    replies = [message('m9', 'edited', { reactions: ['ok'] }), message('m10', 'late')];
    expect((await edited).of).toBe('m9');
  });

  const falls: [string, () => PromiseLike<unknown>][] = [
    ['expectMessage', () => chat.channel('ops').expectMessage('network')],
    ['expectMessage', () => disk().thread().expectMessage('disk is full')],
    ['expectMessage', () => chat.channel('elsewhere').expectMessage('disk')],
    ['expectReply', () => disk().expectReply('memory')],
    ['expectCount', () => chat.channel('ops').expectCount(1)],
    ['expectCount', () => disk().thread().expectCount(4)],
    ['expectFile', () => disk().thread().expectFile('line 3')],
    ['expectFile', () => chat.channel('ops').expectFile('line 1')],
    ['expectUpdate', () => question().expectUpdate('approved')],
    ['expectNo', () => question().expectNo('Run it?')],
    ['expectButton', () => question().expectButton('Deny')],
    ['expectNoButton', () => question().expectNoButton('Approve')],
    ['expectReaction', () => disk().expectReaction('ok')],
    ['expectNoReaction', () => disk().expectNoReaction('fire')],
    ['press', () => question().press('Deny', alice)],
    ['expectTold', () => question().press('Approve', alice).expectTold('Approved')],
    ['expectNotTold', () => question().press('Approve', alice).expectNotTold('Only')],
    ['thread', () => question().thread()],
  ];
  it.each(falls)('%s fails where it does not hold, and says how the place looks', async (verb, chain) => {
    const error = await Promise.resolve(chain()).then(
      () => null,
      caught => caught as Error,
    );
    expect(error?.message).toMatch(new RegExp(`^fake\\.channel\\(.*${verb}`));
    expect(error?.message).toMatch(/shows:\n([>-] |\(nothing\))/);
    expect(error?.stack).not.toContain('journey/chat.ts');
  });

  it('refuses what is told privately and stands where everybody reads it', async () => {
    replies.push(message('m4', `alice: ${told}`));
    await expect(question().press('Approve', alice).expectTold('Only you')).rejects.toThrow('everybody reads');
    told = '';
    await expect(question().press('Approve', alice).expectTold(/^$/)).rejects.toThrow('nothing');
  });

  it('gives away a chain that nobody awaited', async () => {
    const place: PlaceView<string> = chat.channel('ops').expectCount(2);
    expect(() => chat.expectAllAwaited()).toThrow('fake.channel(ops).expectCount(2)');
    await place;
    await question().expectNo('denied');
    expect(() => chat.expectAllAwaited()).not.toThrow();
  });
});
