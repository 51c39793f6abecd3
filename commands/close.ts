import { answerAct, defineCommand, readAlertWords, refuse } from 'tocsin';

export default defineCommand({
  id: 'close',
  about: 'Closes an alert that is over although its source does not say so. For operators.',
  usage: 'close [alert] <reason>',
  args: [
    { name: 'alert', about: "Its id, or an end of it; in a thread, the thread's own", required: false, of: 'alert' },
    { name: 'reason', about: 'How you know that it is over; everybody sees it', required: true, of: 'text' },
  ],
  examples: ['close alt_0mgw3k5q2x "the machine is gone"'],
  async run(input, host) {
    const { alert, reason } = await readAlertWords(input, host);
    if (reason === null) return refuse('bad-request', `Say why: close ${alert.id} "the machine is gone".`);
    return answerAct(await host.act(input.who, { kind: 'close', alert: alert.id, reason }));
  },
});
