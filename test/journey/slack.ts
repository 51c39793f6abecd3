import type { SlackDouble, SlackMessage } from '../doubles/slack/index.ts';
import { readable } from '../doubles/slack/index.ts';
import { createChat } from './chat.ts';
import type { Chat, Person, Platform, Seen } from './language.ts';

/** The ids that the double gives its people: alice is U0ALICE. */
export const slackId = (who: Person): string => `U0${who.name.toUpperCase()}`;

/** `looks` as for `createChat`: more where whole processes die and others take over. */
export function slackChat(slack: SlackDouble, looks?: number): Chat<SlackMessage> {
  const platform: Platform<SlackMessage> = {
    name: 'slack',
    async roots(name) {
      const channel = channelOf(slack, name);
      return slack.world.messages.filter(one => one.channel === channel && one.thread_ts === undefined).map(see);
    },
    replies: async root => slack.thread(root.of).slice(1).map(see),
    async files(root) {
      const { channel, ts } = root.of;
      const shared = [...slack.world.files.values()].filter(file =>
        file.shared.some(place => place.channel === channel && place.thread === ts),
      );
      return shared.map(file => file.bytes?.toString() ?? '');
    },
    press: (message, label, who, reason) =>
      told(slack, who, () => slack.as(slackId(who)).press(message.of, label), reason),
    type: (channel, line, who) => told(slack, who, () => slack.as(slackId(who)).slash(line, channelOf(slack, channel))),
  };
  return createChat(platform, looks);
}

function channelOf(slack: SlackDouble, name: string): string {
  const found = [...slack.world.channels.values()].find(one => one.name === name);
  if (found === undefined) throw new Error(`there is no channel ${name}`);
  return found.id;
}

function see(message: SlackMessage): Seen<SlackMessage> {
  const blocks = [...message.blocks, ...message.attachments.flatMap(one => one.blocks ?? [])];
  return {
    id: `${message.channel}/${message.ts}`,
    text: readable(message),
    buttons: blocks.filter(block => block.type === 'actions').flatMap(block => block.elements.map(labelOf)),
    reactions: [...message.reactions],
    of: message,
  };
}

function labelOf(element: { text: { text: string } }): string {
  return element.text.text;
}

/** What the person is told after the act; a modal that it opens is filled in on the way. */
async function told(slack: SlackDouble, who: Person, act: () => Promise<void>, reason?: string): Promise<string> {
  const user = slackId(who);
  const before = slack.world.told.length;
  const views = new Set(slack.world.views.keys());
  await act();
  const next = await slack.until(() => {
    const view = [...slack.world.views.values()].find(one => one.user === user && !views.has(one.id));
    return view ?? slack.world.told.slice(before).find(one => one.user === user);
  }, `an answer to ${who.name}`);
  if ('how' in next) {
    if (reason !== undefined) throw new Error(`no reason was asked for; ${who.name} was told: ${next.text}`);
    return next.text;
  }
  // One that only shows something has nothing to submit.
  if (next.body.submit === undefined) return readable(next.body);
  await slack.as(user).submit(next, reason === undefined ? {} : { reason });
  return (await slack.toldTo(user, before)).text;
}
