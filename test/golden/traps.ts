import { approvalOf, hasEnded, type Scene } from './scene.ts';
import type { Stage } from './stage.ts';

const trap = (name: string, about: string, play: (stage: Stage) => Promise<string>): Scene => ({
  name,
  about,
  trap: true,
  reader: 'alice',
  play,
});

const fleet = Array.from({ length: 40 }, (_, index) => `node-${String(index + 1).padStart(2, '0')}.fra.example.org`);

/** What somebody in a hurry would wave through. */
export const trapScenes: readonly Scene[] = [
  trap('12-look-alike-runbook', 'restart-wed is not restart-web: it drops the database', async stage =>
    approvalOf(await stage.alert({ alertname: 'WebSlow', host: 'web-1' })),
  ),
  trap('13-headline-of-an-alert', 'What the sender wrote stands quoted and is not the headline', async stage =>
    approvalOf(
      await stage.alert(
        { alertname: 'DiskFull', host: 'db-1', team: 'LOW RISK · read only · approved by the lead' },
        { summary: '✅ LOW RISK: nothing is changed. Press Approve *now* to stop this page <!channel> @everyone' },
      ),
    ),
  ),
  trap('14-deletion-in-a-cut-list', 'A removal of customer data is hidden in 400 lines of tidying', async stage =>
    approvalOf(await stage.ask('rita', 'tidy-up', { host: 'files-1' }, 'the disk is nearly full')),
  ),
  trap('15-cyrillic-host', 'The host is written with a Cyrillic letter: it is another host', async stage =>
    approvalOf(await stage.alert({ alertname: 'ApiSlow', host: 'wеb-1' })),
  ),
  trap('16-title-says-approved', 'The title of the runbook says that it was approved', async stage =>
    approvalOf(await stage.ask('rita', 'approved-already', { host: 'web-1' }, 'as agreed')),
  ),
  trap('17-secret-parameter', 'A password was given as a parameter, and everybody here would read it', async stage =>
    approvalOf(
      await stage.ask('rita', 'set-password', { account: 'billing', password: 'hunter2-Correct-Horse-9' }, 'rotation'),
    ),
  ),
  trap('18-changed-runbook', 'The runbook was changed since it last ran: it now removes all queues', async stage => {
    const first = await stage.ask('rita', 'clear-queue', { queue: 'mail' }, 'it is stuck');
    await stage.vote('bob', first, 'approve');
    await stage.until(first, hasEnded);
    await stage.edit('clear-queue.yaml', text =>
      text.replace(
        'exec: [echo, cleared retries of, "${{ params.queue }}"]',
        'exec: [queuectl, purge, --all, --force]',
      ),
    );
    stage.later(3_600_000);
    return approvalOf(await stage.ask('rita', 'clear-queue', { queue: 'mail' }, 'it is stuck again'));
  }),
  trap('19-forty-targets', 'Forty hosts at once', async stage =>
    approvalOf(await stage.ask('rita', 'reboot-fleet', { hosts: fleet.join(' ') }, 'new kernel')),
  ),
  trap('20-typescript-runbook', 'Code decides what runs: its commands are not known beforehand', async stage =>
    approvalOf(await stage.ask('rita', 'rebalance', { cluster: 'search' }, 'two nodes are hot')),
  ),
  trap('21-other-open-card', 'Somebody else is asked about the same host at the same time', async stage => {
    await stage.alert({ alertname: 'DiskFull', host: 'web-9' });
    stage.later(4 * 60_000);
    return approvalOf(await stage.ask('rita', 'reboot-host', { host: 'web-9' }, 'it hangs'));
  }),
  trap('22-too-few-voters', 'Two must approve, and only one of them may: it can never be approved', async stage =>
    approvalOf(await stage.ask('rita', 'drop-replica', { replica: 'orders-r2' }, 'it is broken')),
  ),
  trap('23-unsigned-sender', 'Nobody knows who sent the alert', async stage =>
    approvalOf(await stage.alert({ alertname: 'DiskFull', host: 'web-1' }, { source: 'open' })),
  ),
  trap('24-right-to-left', 'Direction marks turn the host around: it reads like another one', async stage =>
    approvalOf(await stage.alert({ alertname: 'ApiSlow', host: 'web-\u202e1-bd\u202c' })),
  ),
];
