import type { Approval } from '../../src/model/approval.ts';
import { type SlackMessage, type SlackView, startSlack } from '../doubles/slack/index.ts';
import { type Altered, alter, openVotes, type VotePlace, type Way, type Who } from './place.ts';

type Ways = Record<'slack-button' | 'slack-modal' | 'slack-command' | 'slack-mention', Way>;

const users: Record<Who, string> = {
  alice: 'U0ALICE',
  bob: 'U0BOB',
  rita: 'U0RITA',
  guest: 'U0GUEST',
  foreign: 'U0FAR',
};

export async function openSlackVotes(): Promise<{ place: VotePlace; ways: Ways; close(): Promise<void> }> {
  const slack = await startSlack();
  const accounts = Object.fromEntries(Object.entries(users).map(([who, id]) => [who, `T0ACME/${id}`]));
  const place = await openVotes('slack:#alerts', accounts, slack.env);
  await slack.socket.linked();

  async function told(who: Who, act: () => Promise<unknown>): Promise<string> {
    const before = slack.world.told.length;
    await act();
    return (await slack.toldTo(users[who], before)).text;
  }

  /** The message as it is now; what it becomes later does not change it. */
  async function messageOf({ id }: Approval): Promise<SlackMessage> {
    const shown = await place.app.until(async () => {
      const ref = (await place.app.app.store.post('slack', `approval/${id}`))?.ref;
      return slack.world.messages.find(one => `${one.channel}/${one.ts}` === ref);
    });
    return { ...shown, ...JSON.parse(JSON.stringify({ blocks: shown.blocks, attachments: shown.attachments })) };
  }

  function changed(message: SlackMessage, altered: Altered | undefined): SlackMessage {
    if (altered === undefined) return message;
    const { blocks, attachments } = message;
    return { ...message, ...JSON.parse(alter(JSON.stringify({ blocks, attachments }), altered)) };
  }

  /** Presses, fills in the form and sends it; one that was sent before is sent again as it was. */
  async function fillIn(
    who: Who,
    message: SlackMessage,
    filled: Map<Who, SlackView>,
    altered: Altered | undefined,
  ): Promise<void> {
    const sent = filled.get(who);
    if (sent !== undefined) return void (await slack.as(users[who]).submit(sent, { reason: 'it is time' }));
    const user = users[who];
    const known = new Set(slack.world.views.keys());
    await slack.as(user).press(message, 'Approve');
    const view = await slack.until(
      () => [...slack.world.views.values()].find(one => one.user === user && !known.has(one.id)),
      `a modal for ${who}`,
    );
    filled.set(who, { ...view });
    const { private_metadata } = view.body;
    const body =
      altered === undefined ? view.body : { ...view.body, private_metadata: alter(private_metadata, altered) };
    await slack.as(user).submit({ ...view, body }, { reason: 'it is time' });
  }

  const ways: Ways = {
    'slack-button': {
      async prepare(approval) {
        const message = await messageOf(approval);
        const press = (who: Who, altered?: Altered) => slack.as(users[who]).press(changed(message, altered), 'Approve');
        return { vote: (who, altered) => told(who, () => press(who, altered)), repeat: press };
      },
    },
    'slack-modal': {
      reason: true,
      async prepare(approval) {
        const message = await messageOf(approval);
        const filled = new Map<Who, SlackView>();
        return { vote: (who, altered) => told(who, () => fillIn(who, message, filled, altered)) };
      },
    },
    'slack-command': {
      async prepare({ id }) {
        return { vote: who => told(who, () => slack.as(users[who]).slash(`approve ${id}`)) };
      },
    },
    'slack-mention': {
      async prepare({ id }) {
        return { vote: who => told(who, () => slack.as(users[who]).mention(`approve ${id}`, 'C0ALERTS')) };
      },
    },
  };
  return {
    place,
    ways,
    async close() {
      await place.app.stop();
      await slack.close();
    },
  };
}
