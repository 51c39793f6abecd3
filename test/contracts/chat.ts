import { afterEach, describe, expect, it } from 'vitest';
import type { Card, Post } from '../../src/model/card.ts';
import type { ChatConnection, ChatPlatform } from '../../src/ports/chat.ts';
import type { HostDouble } from '../doubles/chat-host.ts';
import type { StoredRoots } from '../doubles/stored-roots.ts';
import { lateRootContract } from './chat-late-root.ts';
import { samplePost } from './samples.ts';

/** A platform that was opened over a host double, and how a person sees and uses it. */
export interface ChatHarness {
  double: HostDouble;
  platform: Pick<ChatPlatform, 'id' | 'capabilities'>;
  connection: StoredRoots;
  /** The connection as the flow has it. */
  bare: ChatConnection;
  /** Makes a channel that the bot is in. */
  openChannel(name: string): void;
  /** The messages of a thread as people see them, the root first: their texts as plain text. */
  thread(root: Post): Promise<string[]>;
  /** Whatever in the thread a client would act upon though it was data: mentions, links, markup, broken-out buttons. */
  active(root: Post): Promise<string[]>;
  /** Presses a button as a known person; resolves to what that person is told. */
  press(post: Post, label: string, reason?: string): Promise<string>;
  /** Presses it as somebody whom the platform cannot vouch for. */
  pressAsStranger(post: Post, label: string): Promise<string>;
  close(): Promise<void>;
}

const root = () => samplePost({ key: 'alert/alt_1/1', order: 1, card: card('Disk is full', 'firing') });
const reply = (order: number, title: string, over: Partial<Post> = {}) =>
  samplePost({ key: `note/${order}`, thread: 'alert/alt_1/1', order, card: card(title, null), ...over });

/** What every chat platform does. One suite; a platform says how to open it. */
export function chatContract(name: string, open: () => Promise<ChatHarness>): void {
  describe(`chat platform ${name}`, () => {
    let harnesses: ChatHarness[] = [];
    afterEach(async () => {
      for (const harness of harnesses) await harness.close();
      harnesses = [];
    });
    const start = async () => {
      const harness = await open();
      harnesses.push(harness);
      return harness;
    };

    deliveryContract(start);
    textContract(start);
    buttonContract(start);
    closeContract(start);
    lateRootContract(start);
  });
}

/** As the flow does it: the row is committed, the platform shows it. */
async function show(harness: ChatHarness, ...posts: Post[]): Promise<string[]> {
  const refs: string[] = [];
  for (const post of posts) {
    await harness.double.put(post);
    refs.push(await harness.connection.deliver(post));
  }
  return refs;
}

function deliveryContract(start: () => Promise<ChatHarness>): void {
  it('posts first and edits later, under one reference', async () => {
    const harness = await start();
    const first = root();
    const [posted] = await show(harness, first);
    expect(posted).toBeTruthy();
    const edit = { ...first, wanted: 2, delivered: 1, ref: posted ?? null, card: card('Disk is full', 'resolved') };
    const [edited] = await show(harness, edit);
    expect(edited).toBe(posted);
    const texts = await harness.thread(first);
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain('resolved');
    expect(texts[0]).not.toContain('firing');
  });

  it('shows a version once, however often it is delivered', async () => {
    const harness = await start();
    const first = root();
    const [ref] = await show(harness, first);
    const again = await Promise.all([1, 2, 3].map(() => harness.connection.deliver({ ...first, ref: ref ?? null })));
    expect(new Set([ref, ...again]).size).toBe(1);
    expect(await harness.thread(first)).toHaveLength(1);
  });

  it('keeps the order of a thread', async () => {
    const harness = await start();
    const first = root();
    const titles = ['one', 'two', 'three', 'four', 'five'];
    await show(harness, first, ...titles.map((title, index) => reply(index + 2, title)));
    const texts = await harness.thread(first);
    expect(texts).toHaveLength(6);
    for (const [index, title] of titles.entries()) expect(texts[index + 1]).toContain(title);
  });

  it('names the channels that exist, or says that any name does', async () => {
    const harness = await start();
    const channels = await harness.connection.channels();
    if (channels !== null) expect(channels).toContain('alerts');
    expect(harness.connection.trouble()).toBeNull();
  });
}

const hostile = [
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  '<!channel> <!here> <@U0123456> @everyone @here <@&123> <#C1>',
  '[click](https://evil.example) <https://evil.example|bank.example> **bold** ```code```',
  '${{ secrets.TOKEN }} {{7*7}} $(id) `id`',
  'right\u202eto-left zero\u200bwidth \u001b[31mred bell\u0007 carriage\rreturn',
];

function textContract(start: () => Promise<ChatHarness>): void {
  it('shows hostile text as the text it is, everywhere in a card', async () => {
    const harness = await start();
    const posts = hostile.map((text, index) =>
      reply(index + 2, text, {
        card: {
          tone: 'warning',
          title: text,
          badge: text,
          blocks: [
            { kind: 'text', text },
            { kind: 'code', text },
            {
              kind: 'fields',
              fields: [
                { label: text, value: text },
                { label: 'last', value: 'still here' },
              ],
            },
            { kind: 'links', links: [{ label: text, url: 'javascript:alert(1)' }] },
            {
              kind: 'progress',
              done: 0,
              total: 1,
              startedAt: 1,
              finishedAt: null,
              steps: [{ id: 's', title: text, state: 'running', because: text }],
            },
          ],
          buttons: [],
          mention: [],
        },
      }),
    );
    const first = root();
    await show(harness, first, ...posts);
    expect(await harness.active(first)).toEqual([]);
    const texts = await harness.thread(first);
    for (const text of texts.slice(1)) expect(text).toContain('still here');
    expect(texts.join('')).not.toMatch(/[\u0007\u001b\u200b\u202e\r]/);
  });

  it('cuts what is too long, says so, and keeps what follows', async () => {
    const harness = await start();
    const long = card('Long', null, [
      {
        kind: 'fields',
        fields: [
          { label: 'long', value: 'x'.repeat(50_000) },
          { label: 'after', value: 'not hidden' },
        ],
      },
    ]);
    const first = { ...root(), card: long };
    await show(harness, first);
    const [text = ''] = await harness.thread(first);
    expect(text).toMatch(/more characters/);
    expect(text).toContain('not hidden');
  });
}

const seal = 'ab'.repeat(32);
const approval = (reason: 'none' | 'required'): Post =>
  reply(2, 'Run it?', {
    key: 'approval/apv_1',
    card: {
      ...card('Run it?', null),
      buttons: (['approve', 'deny'] as const).map(vote => ({
        label: vote === 'approve' ? 'Approve' : 'Deny',
        style: vote === 'approve' ? 'primary' : 'danger',
        reason: vote === 'approve' ? 'none' : reason,
        does: { kind: 'act', act: { kind: 'vote', approval: 'apv_1', vote, reason: null, seal } },
      })),
    },
  });

function buttonContract(start: () => Promise<ChatHarness>): void {
  it('turns a press into the act of the button, by the person who pressed', async () => {
    const harness = await start();
    const ask = approval('required');
    await show(harness, root(), ask);
    harness.double.answers = [{ ok: true, text: 'Counted: 1 of 1.' }];
    expect(await harness.press(ask, 'Approve')).toContain('Counted: 1 of 1.');
    expect(harness.double.acts).toHaveLength(1);
    expect(harness.double.acts[0]?.act).toEqual({
      kind: 'vote',
      approval: 'apv_1',
      vote: 'approve',
      reason: null,
      seal,
    });
    expect(harness.double.acts[0]?.who.kind).toBe('person');
  });

  it('asks for the reason where the button wants one', async () => {
    const harness = await start();
    const ask = approval('required');
    await show(harness, root(), ask);
    await harness.press(ask, 'Deny', 'not during the sale');
    expect(harness.double.acts[0]?.act).toMatchObject({ kind: 'vote', vote: 'deny', reason: 'not during the sale' });
  });

  it('tells a refusal to whoever pressed, and to nobody else', async () => {
    const harness = await start();
    const ask = approval('none');
    const first = root();
    await show(harness, first, ask);
    const before = await harness.thread(first);
    harness.double.answers = [
      { ok: false, code: 'forbidden', status: 403, text: 'You asked for it, so somebody else must approve.' },
    ];
    expect(await harness.press(ask, 'Approve')).toContain('somebody else must approve');
    expect(await harness.thread(first)).toEqual(before);
  });

  it('never acts for somebody it does not know as a person', async () => {
    const harness = await start();
    const ask = approval('none');
    await show(harness, root(), ask);
    harness.double.answers = [{ ok: false, code: 'forbidden', status: 403, text: 'Nobody knows you here.' }];
    expect(await harness.pressAsStranger(ask, 'Approve')).not.toBe('');
    for (const { who } of harness.double.acts) expect(who.kind).not.toBe('person');
  });
}

function closeContract(start: () => Promise<ChatHarness>): void {
  it('ends everything when it is closed', async () => {
    const harness = await start();
    await show(harness, root());
    await harness.connection.close();
    expect(harness.double.listeners()).toBe(0);
    await expect(harness.connection.deliver(root())).rejects.toThrow();
  });
}

function card(title: string, badge: string | null, blocks: Card['blocks'] = []): Card {
  return { tone: 'warning', title, badge, blocks, buttons: [], mention: [] };
}
