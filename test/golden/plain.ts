import { approvalOf, hasEnded, runOf, type Scene } from './scene.ts';
import type { Stage } from './stage.ts';

const reason = 'The kernel of the security notice of Friday needs a reboot';
const reboot = (stage: Stage) => stage.ask('rita', 'reboot-host', { host: 'web-1.fra.example.org' }, reason);

/** What people see on most nights. */
export const plainScenes: readonly Scene[] = [
  {
    name: '01-alert-asks',
    about: 'An alert asks for a low risk; the plan is three lines',
    trap: false,
    reader: 'alice',
    play: async stage => approvalOf(await stage.alert({ alertname: 'DiskFull', host: 'web-1' })),
  },
  {
    name: '02-person-asks',
    about: 'Rita asks for a reboot, with her reason; two people and their reasons are needed',
    trap: false,
    reader: 'alice',
    play: async stage => approvalOf(await reboot(stage)),
  },
  {
    name: '03-one-vote-in',
    about: 'The same after the first vote and ten minutes: who voted and why, who is missing, how long is left',
    trap: false,
    reader: 'alice',
    async play(stage) {
      const run = await reboot(stage);
      stage.later(10 * 60_000);
      await stage.vote('bob', run, 'approve', 'the pool has room');
      return approvalOf(run);
    },
  },
  {
    name: '04-step-asks',
    about: 'In the middle of a run: what was done, what it printed, what follows, and why it asks now',
    trap: false,
    reader: 'alice',
    async play(stage) {
      const run = await stage.alert({ alertname: 'PrimaryDown', cluster: 'orders' });
      return `approval/${await stage.openApproval(run)}`;
    },
  },
  {
    name: '05-run-asks',
    about: 'A restart of Tocsin interrupted a step, and nobody knows what it did',
    trap: false,
    reader: 'alice',
    async play(stage) {
      const run = await stage.ask('bob', 'pool-drain', { host: 'worker-7' }, 'its fan is loud');
      await stage.until(run, ({ steps }) => steps.some(one => one.id === 'wait' && one.state === 'running'));
      await stage.restart();
      await stage.until(run, ({ state }) => state === 'asking');
      return runOf(run);
    },
  },
  {
    name: '06-waits-for-resolve',
    about: 'It ran and waits for the alert to resolve: nobody has to do anything',
    trap: false,
    reader: 'alice',
    async play(stage) {
      const run = await restarted(stage);
      return runOf(run);
    },
  },
  {
    name: '07-approved-and-done',
    about: 'After the decision: who, when, and what came of it',
    trap: false,
    reader: 'alice',
    async play(stage) {
      const run = await restarted(stage);
      stage.later(3 * 60_000);
      await stage.resolve({ alertname: 'WorkerStuck', host: 'worker-3' });
      await stage.until(run, hasEnded);
      return approvalOf(run);
    },
  },
  {
    name: '08-denied',
    about: 'Denied, by whom and why, and nothing ran',
    trap: false,
    reader: 'alice',
    async play(stage) {
      const run = await reboot(stage);
      await stage.vote('bob', run, 'deny', 'not while web-2 is down');
      await stage.until(run, hasEnded);
      return approvalOf(run);
    },
  },
  {
    name: '09-expired',
    about: 'Nobody decided in time, so nothing ran',
    trap: false,
    reader: 'alice',
    async play(stage) {
      const run = await stage.ask('rita', 'flush-cache', { cache: 'sessions' }, 'stale prices');
      stage.later(2000);
      await stage.until(run, hasEnded);
      return approvalOf(run);
    },
  },
  {
    name: '10-cancelled',
    about: 'Cancelled in the middle: that step was cancelled and did not fail, the later one was not reached',
    trap: false,
    reader: 'alice',
    async play(stage) {
      const run = await stage.ask('bob', 'pool-drain', { host: 'worker-7' }, 'its fan is loud');
      await stage.until(run, ({ steps }) => steps.some(one => one.id === 'wait' && one.state === 'running'));
      stage.later(90_000);
      await stage.cancel('alice', run, 'the fan was replaced');
      await stage.until(run, hasEnded);
      return runOf(run);
    },
  },
  {
    name: '11-failed',
    about: 'A step failed: what it printed, and what was not reached',
    trap: false,
    reader: 'alice',
    async play(stage) {
      const run = await stage.ask('rita', 'rotate-logs', { host: 'web-2' }, 'the disk is full');
      await stage.vote('alice', run, 'approve');
      await stage.until(run, hasEnded);
      return runOf(run);
    },
  },
];

/** The worker is restarted, and the run waits for its alert to resolve. */
async function restarted(stage: Stage) {
  const run = await stage.alert({ alertname: 'WorkerStuck', host: 'worker-3' });
  stage.later(60_000);
  await stage.vote('alice', run, 'approve', 'go');
  return await stage.until(run, ({ steps }) => steps.some(one => one.waiting?.for === 'resolve'));
}
