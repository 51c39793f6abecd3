import { answerAct, defineCommand, readAlertWords } from 'tocsin';

export default defineCommand({
  id: 'ack',
  about: 'Acknowledges an alert: you take it on, until its episode ends or for a time.',
  usage: 'ack [alert] [for] [reason]',
  args: [
    { name: 'alert', about: "Its id, or an end of it; in a thread, the thread's own", required: false, of: 'alert' },
    { name: 'for', about: 'For how long: 30m, 2h, 1d', required: false, of: 'text' },
    { name: 'reason', about: 'What you do about it', required: false, of: 'text' },
  ],
  examples: ['ack alt_0mgw3k5q2x', 'ack alt_0mgw3k5q2x 2h "waiting for the vendor"'],
  async run(input, host) {
    const { alert, duration, reason } = await readAlertWords(input, host);
    const lasting = duration === null ? {} : { duration };
    return answerAct(await host.act(input.who, { kind: 'acknowledge', alert: alert.id, reason, ...lasting }));
  },
});
