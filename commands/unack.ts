import { answerAct, defineCommand, readAlertWords } from 'tocsin';

export default defineCommand({
  id: 'unack',
  about: 'Takes the acknowledgement of an alert back: somebody else has to look.',
  usage: 'unack [alert]',
  args: [
    { name: 'alert', about: "Its id, or an end of it; in a thread, the thread's own", required: false, of: 'alert' },
  ],
  examples: ['unack alt_0mgw3k5q2x'],
  async run(input, host) {
    const { alert } = await readAlertWords(input, host);
    return answerAct(await host.act(input.who, { kind: 'unacknowledge', alert: alert.id }));
  },
});
