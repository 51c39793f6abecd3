import { afterEach, expect, it } from 'vitest';
import { startPagerDuty } from '../../doubles/pagerduty.ts';
import { type SlackDouble, startSlack } from '../../doubles/slack/index.ts';
import { lookRunbook } from '../files.ts';
import { config, openPlace, type Place, populate } from './place.ts';

let slack: SlackDouble;
let place: Place;
afterEach(async () => {
  await place.close();
  await slack.close();
});

it('a note leads to the run and to the thread in chat', async () => {
  slack = await startSlack();
  const pagerduty = await startPagerDuty();
  populate(pagerduty);
  try {
    place = await openPlace(
      () => ({
        'tocsin.yaml': `${config(pagerduty)}routes: [{ to: ["slack:#alerts"] }]\n`,
        'policy.yaml': 'rules: [{ name: ask, decide: approve, by: on-call }]',
        'runbooks/look.yaml': lookRunbook,
      }),
      { env: slack.env, pagerduty },
    );
    await place.incident('Q1');
    const root = await slack.until(() => slack.find('Disk full on db-prod-3'), 'the root');
    const approval = await place.app.until(
      async () => (await place.app.call('GET', '/api/v1/approvals?state=open')).body[0],
    );
    await place.app.call('POST', `/api/v1/approvals/${approval.id}/votes`, { as: 'RITA', body: { vote: 'approve' } });
    await place.untilTold('note');
    const [note = ''] = pagerduty.incidents.get('Q1')?.notes ?? [];
    expect(note).toContain(`Run: ${place.app.app.url}/runs/${approval.run}`);
    expect(note).toContain(
      `Thread in slack: https://acme.slack.com/archives/${root.channel}/p${root.ts.replace('.', '')}`,
    );
  } finally {
    await pagerduty.close();
  }
});
