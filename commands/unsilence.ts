import { answerAct, defineCommand, readAlertWords } from 'tocsin';

export default defineCommand({
  id: 'unsilence',
  about: 'Ends the silence of an alert before its time.',
  usage: 'unsilence [alert]',
  args: [
    { name: 'alert', about: "Its id, or an end of it; in a thread, the thread's own", required: false, of: 'alert' },
  ],
  examples: ['unsilence alt_0mgw3k5q2x'],
  async run(input, host) {
    const { alert } = await readAlertWords(input, host);
    return answerAct(await host.act(input.who, { kind: 'unsilence', alert: alert.id }));
  },
});
