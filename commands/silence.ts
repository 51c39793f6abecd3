import { answerAct, defineCommand, readAlertWords, refuse } from 'tocsin';

export default defineCommand({
  id: 'silence',
  about: 'Silences an alert for a time: nothing starts by itself for it.',
  usage: 'silence [alert] <for> [reason]',
  args: [
    { name: 'alert', about: "Its id, or an end of it; in a thread, the thread's own", required: false, of: 'alert' },
    { name: 'for', about: 'For how long: 30m, 2h, 1d; at most 30d', required: true, of: 'text' },
    { name: 'reason', about: 'Why', required: false, of: 'text' },
  ],
  examples: ['silence alt_0mgw3k5q2x 2h', 'silence alt_0mgw3k5q2x 1d "the disk is being replaced"'],
  async run(input, host) {
    const { alert, duration, reason } = await readAlertWords(input, host);
    if (duration === null) return refuse('bad-request', `Say for how long: silence ${alert.id} 2h.`);
    return answerAct(await host.act(input.who, { kind: 'silence', alert: alert.id, duration, reason }));
  },
});
