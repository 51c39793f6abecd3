import platform from '../../src/chat/slack/index.ts';
import { chatContract } from '../contracts/chat.ts';
import { activeIn, openSlackHarness, readMessage } from './slack-harness.ts';

chatContract('slack', async () => {
  const harness = await openSlackHarness();
  const { slack } = harness;
  return {
    double: harness.double,
    platform,
    connection: harness.connection,
    bare: harness.bare,
    openChannel(name) {
      slack.world.channels.set(`C0${name.toUpperCase()}`, {
        id: `C0${name.toUpperCase()}`,
        name,
        private: false,
        member: true,
      });
    },
    thread: async root => slack.thread(await harness.refOf(root)).map(readMessage),
    active: async root => slack.thread(await harness.refOf(root)).flatMap(activeIn),
    press: (post, label, reason) => harness.press('U0ALICE', post, label, reason),
    pressAsStranger: (post, label) => harness.press('U0GUEST', post, label),
    close: () => harness.close(),
  };
});
