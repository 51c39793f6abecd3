import platform from '../../src/chat/slack/index.ts';
import type { Post } from '../../src/model/card.ts';
import type { ChatConnection } from '../../src/ports/chat.ts';
import { createHostDouble, type HostDouble, type HostDoubleOptions } from '../doubles/chat-host.ts';
import {
  activeParts,
  readable,
  type SlackDouble,
  type SlackMessage,
  startSlack,
  type Told,
} from '../doubles/slack/index.ts';
import { type StoredRoots, withStoredRoots } from '../doubles/stored-roots.ts';

export const slackPeople = {
  people: {
    alice: { accounts: { slack: 'T0ACME/U0ALICE' } },
    bob: { accounts: { slack: 'T0ACME/U0BOB' } },
    // Somebody wrote a guest into the file: Slack's word is what counts.
    guest: { accounts: { slack: 'T0ACME/U0GUEST' } },
    far: { accounts: { slack: 'T0ACME/U0FAR' } },
  },
  groups: { team: ['alice', 'bob'], ops: { slack: 'S0SRE' } },
};

/** The platform over a host double and a double of Slack, and what people do there. */
export interface SlackHarness {
  slack: SlackDouble;
  double: HostDouble;
  connection: StoredRoots;
  /** The connection as the flow has it, which writes nothing down. */
  bare: ChatConnection;
  /** As the flow does it: the row is committed, shown, and its reference is written down. */
  show(...posts: Post[]): Promise<string[]>;
  refOf(post: Post): Promise<{ channel: string; ts: string }>;
  messageOf(post: Post): Promise<SlackMessage>;
  /** Presses a button, fills in the reason where one is asked for, and resolves to what the person is told. */
  press(user: string, post: Post, label: string, reason?: string): Promise<string>;
  close(): Promise<void>;
}

export async function openSlackHarness(
  options: HostDoubleOptions & { slack?: SlackDouble; http?: boolean; linked?: boolean } = {},
): Promise<SlackHarness> {
  const slack = options.slack ?? (await startSlack());
  const double = await createHostDouble({ config: slackPeople, ...options, env: { ...slack.env, ...options.env } });
  const opened = await platform.open(platform.options.parse({}), double.host);
  const connection = withStoredRoots(opened, double);
  if (options.linked !== false) await slack.socket.linked();
  return assemble({ slack, double, connection, bare: opened });
}

function assemble(parts: Pick<SlackHarness, 'slack' | 'double' | 'connection' | 'bare'>): SlackHarness {
  const { slack, double, connection } = parts;
  const harness: SlackHarness = {
    ...parts,
    async show(...posts) {
      const refs: string[] = [];
      for (const post of posts) {
        await double.put(post);
        refs.push(await connection.deliver(post));
      }
      return refs;
    },
    async refOf(post) {
      const [channel = '', ts = ''] = ((await double.store.post(post.platform, post.key))?.ref ?? '').split('/');
      return { channel, ts };
    },
    async messageOf(post) {
      const { channel, ts } = await harness.refOf(post);
      const found = slack.world.messages.find(one => one.channel === channel && one.ts === ts);
      if (found === undefined) throw new Error(`${post.key} is not in Slack`);
      return found;
    },
    press: (user, post, label, reason) => press(harness, user, post, label, reason),
    async close() {
      await connection.close();
      await double.close();
      await slack.close();
    },
  };
  return harness;
}

async function press(harness: SlackHarness, user: string, post: Post, label: string, reason?: string): Promise<string> {
  const { slack } = harness;
  const before = slack.world.told.length;
  const person = slack.as(user);
  await person.press(await harness.messageOf(post), label);
  if (reason !== undefined) await person.submit(await slack.modalOf(user), { reason });
  return told(await slack.toldTo(user, before));
}

function told(one: Told): string {
  return one.text;
}

/** What people read of a message, the signs of our own left out. */
export function readMessage(message: SlackMessage): string {
  return readable(message);
}

export function activeIn(message: SlackMessage): string[] {
  return activeParts(message);
}
