import platform from '../../src/chat/slack/index.ts';
import { chatContract } from '../contracts/chat.ts';
import { activeIn, openSlackGround, readMessage } from './slack-ground.ts';

chatContract('slack', async () => {
  const ground = await openSlackGround();
  const { slack } = ground;
  return {
    double: ground.double,
    platform,
    connection: ground.connection,
    bare: ground.bare,
    openChannel(name) {
      slack.world.channels.set(`C0${name.toUpperCase()}`, {
        id: `C0${name.toUpperCase()}`,
        name,
        private: false,
        member: true,
      });
    },
    thread: async root => slack.thread(await ground.refOf(root)).map(readMessage),
    active: async root => slack.thread(await ground.refOf(root)).flatMap(activeIn),
    press: (post, label, reason) => ground.press('U0ALICE', post, label, reason),
    pressAsStranger: (post, label) => ground.press('U0GUEST', post, label),
    close: () => ground.close(),
  };
});
