import { chatContract } from '../contracts/chat.ts';
import { activeIn, openSlackGround, readMessage } from './slack-ground.ts';

chatContract('slack', async () => {
  const ground = await openSlackGround();
  const { slack } = ground;
  return {
    double: ground.double,
    connection: ground.connection,
    thread: async root => slack.thread(await ground.refOf(root)).map(readMessage),
    active: async root => slack.thread(await ground.refOf(root)).flatMap(activeIn),
    press: (post, label, reason) => ground.press('U0ALICE', post, label, reason),
    pressAsStranger: (post, label) => ground.press('U0GUEST', post, label),
    close: () => ground.close(),
  };
});
