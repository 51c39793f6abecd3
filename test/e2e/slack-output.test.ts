import { expect, it } from 'vitest';
import { startSlack } from '../doubles/slack/index.ts';
import { openSlack, useLater } from '../journey/setup.ts';

const later = useLater();

const base = `
sources:
  alertmanager: { token: alert-secret }
people:
  alice: { accounts: { slack: T0ACME/U0ALICE } }
groups: { sre: [alice] }
operators: [sre]
run: { concurrency: 20 }
tokens:
  - { env: ALICE, person: alice }
`;
const runs = Array.from({ length: 20 }, (_, n) => n);
const routes = runs.map(n => `  - { to: ["slack:#team-${n}"], when: 'labels.n == "${n}"' }`).join('\n');
const all = 'rules:\n  - { name: all, decide: auto }\n';

/** Prints 2.6 MB in about twelve seconds. */
const loud = `
title: Much to say
risk: none
on:
  - source: alertmanager
    match: { alertname: Loud }
params:
  n: { type: string, pattern: "[0-9]+", from: labels.n }
target: params.n
steps:
  - id: talk
    idempotent: true
    script: "for second in $(seq 1 12); do head -c 216000 /dev/zero | tr '\\\\0' x | fold -w 100; echo second $second of run $PARAM_N; sleep 1; done"
`;

it('fifty megabytes over twenty runs reach Slack within its limits, each log as a file in its thread', async () => {
  const slack = await startSlack();
  for (const n of runs)
    slack.world.channels.set(`C0TEAM${n}`, { id: `C0TEAM${n}`, name: `team-${n}`, private: false, member: true });
  const files = { 'tocsin.yaml': `${base}routes:\n${routes}\n`, 'policy.yaml': all, 'runbooks/loud.yaml': loud };
  const { app } = await openSlack(later, files, { slack });
  const { store } = app.app;
  for (const n of runs) await app.alert({ alertname: 'Loud', n: `${n}` }, { fingerprint: `f${n}` });
  const shared = () => [...slack.world.files.values()].filter(file => file.shared.length > 0);
  for (let tries = 0; shared().length < runs.length && tries < 900; tries++)
    await new Promise(resolve => setTimeout(resolve, 100));
  const sizes = shared().map(file => file.bytes?.length ?? 0);
  expect(sizes).toHaveLength(20);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(50_000_000);
  expect(new Set(shared().map(file => file.shared[0]?.channel)).size).toBe(20);
  expect(slack.api.rates.refused).toEqual([]);
  // Every run was shown while it ran, as one message.
  const outputs = (await store.posts({ platform: 'slack', limit: 1000 })).filter(post =>
    post.key.startsWith('output/'),
  );
  expect(outputs).toHaveLength(20);
}, 120_000);

it('a route to a channel that Slack does not know stops the start, with the place and the nearest name', async () => {
  const wrong = `${base}routes:\n  - to: ["slack:#alrets"]\n`;
  const error = await openSlack(later, { 'tocsin.yaml': wrong }).catch(caught => caught);
  expect(error).toMatchObject({ code: 'file-invalid' });
  expect(error.message).toMatch(/tocsin\.yaml:12:10: error: slack has no channel "#alrets"/);
  expect(error.message).toContain('did you mean "slack:#alerts"?');
});

it('a channel that the bot is not in is said on /readyz and in the console, and its alerts are posted there', async () => {
  const files = { 'tocsin.yaml': `${base}routes:\n  - to: ["slack:#elsewhere"]\n` };
  const { slack, app } = await openSlack(later, files);
  const { alert } = await app.alert({ alertname: 'Quiet' });
  const post = await app.until(() => app.app.store.post('console', `alert/${alert}/1`));
  expect(post).toMatchObject({ channel: 'alerts', card: { title: 'a test alert' } });
  const { body } = await app.call('GET', '/readyz', { as: null });
  expect(body.parts['chat slack']).toMatch(/#elsewhere does not take messages.*invite/i);
  const said = await app.until(() => app.app.store.post('console', 'refused/slack/#elsewhere'));
  expect(said.card.title).toContain('Its threads go to console:alerts');
  await app.alert({ alertname: 'Quiet' }, { status: 'resolved' });
  await app.until(async () => (await app.app.store.post('console', `alert/${alert}/1`))?.card.badge === 'resolved');
  expect(slack.world.messages).toEqual([]);
});
