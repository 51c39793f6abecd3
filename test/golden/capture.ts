import type { Post } from '../../src/model/card.ts';
import { tokens } from '../doubles/app.ts';
import type { MessageBody, ModalBody } from '../doubles/discord/rules.ts';
import type { SlackMessage } from '../doubles/slack/index.ts';
import { articlesOf, openSession, plainText } from '../journey/console-page.ts';
import { plainScenes } from './plain.ts';
import type { Scene } from './scene.ts';
import { openStage, people, type Stage } from './stage.ts';
import { trapScenes } from './traps.ts';

export const scenes: readonly Scene[] = [...plainScenes, ...trapScenes];

/** A card as each platform shows it to whoever looks at it. */
export interface Shot {
  slack: Pick<SlackMessage, 'text' | 'blocks' | 'attachments'>;
  discord: MessageBody;
  /** The text of its article. */
  console: string;
  /** What a press on Approve opens; null where it has no such button, or the press would count at once. */
  confirm: { slack: object | null; discord: ModalBody | null };
}

/** The path of the thread of a post in the console. */
export const threadPath = (post: Post): string =>
  `/threads/${(post.thread ?? post.key).split('/').map(encodeURIComponent).join('/')}`;

export interface Captured {
  stage: Stage;
  posts: Map<string, Post>;
  shot: Shot;
}

/** Plays the scene in an app of its own, and hands over what is shown. */
export async function capture<T>(scene: Scene, use: (captured: Captured) => Promise<T>): Promise<T> {
  const stage = await openStage();
  try {
    const posts = await stage.shown(await scene.play(stage));
    const [slack, discord] = [slackMessage(stage, posts), discordMessage(stage, posts)];
    const shot: Shot = {
      slack: { text: slack.text, blocks: slack.blocks, attachments: slack.attachments },
      discord: discord.body,
      console: await consoleText(stage, posts, scene),
      confirm: { slack: null, discord: null },
    };
    if (asks(posts.get('console'))) shot.confirm = await confirmations(stage, scene, posts);
    return await use({ stage, posts, shot: stable(shot, stage) });
  } finally {
    await stage.close();
  }
}

/** A press on Approve that asks first, as each card says itself: one that would count at once is not made. */
function asks(post: Post | undefined): boolean {
  const approve = post?.card.buttons.find(one => one.label === 'Approve');
  return approve !== undefined && (approve.reason !== 'none' || approve.confirm === true);
}

async function confirmations(stage: Stage, scene: Scene, posts: Map<string, Post>): Promise<Shot['confirm']> {
  const { slack, discord } = stage;
  const user = `U0${scene.reader.toUpperCase()}`;
  await slack.as(user).press(slackMessage(stage, posts), 'Approve');
  const view = await slack.modalOf(user);
  const pressed = await discord.press(discordMessage(stage, posts), 'Approve', stage.members[scene.reader]);
  return { slack: view.body, discord: pressed.modal };
}

const refOf = (posts: Map<string, Post>, platform: string) => posts.get(platform)?.ref?.split('/') ?? [];

function slackMessage({ slack }: Stage, posts: Map<string, Post>): SlackMessage {
  const [channel, ts] = refOf(posts, 'slack');
  const found = slack.world.messages.find(one => one.channel === channel && one.ts === ts);
  if (found === undefined) throw new Error('the card is not in Slack');
  return found;
}

function discordMessage({ discord }: Stage, posts: Map<string, Post>) {
  const [channel = '', id] = refOf(posts, 'discord');
  const found = discord.world.channels.get(channel)?.messages.find(one => one.id === id);
  if (found === undefined) throw new Error('the card is not in Discord');
  return found;
}

async function consoleText({ app }: Stage, posts: Map<string, Post>, { reader }: Scene): Promise<string> {
  const post = posts.get('console');
  if (post === undefined) throw new Error('the card is not in the console');
  const { cookie } = await openSession(app.app.url, tokens[reader.toUpperCase()] ?? '');
  const answer = await fetch(app.app.url + threadPath(post), { headers: { cookie } });
  const id = post.key.replaceAll(/[^A-Za-z0-9-]/g, char => `_${char.codePointAt(0)?.toString(16)}_`);
  const article = articlesOf(await answer.text()).find(one => one.includes(`id="post-${id}"`));
  if (article === undefined) throw new Error(`the thread does not show ${post.key}`);
  return linesOf(article);
}

/** What a person reads, a line for each part. */
function linesOf(article: string): string {
  const broken = article.replaceAll(
    /<(?:p|div|dt|dd|li|header|h3|pre|form|summary|button|label|section|footer)\b/g,
    '\n$&',
  );
  const lines = plainText(broken)
    .split('\n')
    .map(line => line.replaceAll(/\s+/g, ' ').trim());
  return `${lines.filter(line => line !== '').join('\n')}\n`;
}

/** What differs from one start to the next is given a name. */
function stable(shot: Shot, { app, members }: Stage): Shot {
  let text = JSON.stringify(shot)
    .replaceAll(/(\\*"seal\\*":\\*")[0-9a-f]{64}/g, '$1SEAL')
    .replaceAll(/(\\*"confirmed\\*":\\*")[\w-]{22}/g, '$1CONFIRMED')
    .replaceAll(app.app.url, 'https://tocsin.example.org');
  for (const name of people) text = text.replaceAll(members[name].id, `MEMBER-${name}`);
  const pressed = new Map<string, string>();
  text = text.replaceAll(/"custom_id":"([^"]*)"/g, (_, id: string) => {
    const known = pressed.get(id) ?? `PRESS-${pressed.size + 1}`;
    pressed.set(id, known);
    return `"custom_id":"${known}"`;
  });
  return JSON.parse(text) as Shot;
}

/** The files of a card: what each platform is sent, and what the console's page reads like. */
export function filesOf({ slack, discord, console, confirm }: Shot): Record<string, string> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'slack.json': json(slack),
    'discord.json': json(discord),
    'console.txt': console,
    ...(confirm.slack === null && confirm.discord === null ? {} : { 'confirm.json': json(confirm) }),
  };
}
