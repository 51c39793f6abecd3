import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { as } from '../journey/language.ts';
import { openDiscord, useLater } from '../journey/setup.ts';

const later = useLater();
const alice = as('alice');

const runbook = (go: string) => `
title: Look, then clean
risk: low
on:
  - source: alertmanager
    match: { alertname: DiskFull }
steps:
  - id: look
    idempotent: true
    script: 'until [ -e ${go} ]; do sleep 0.05; done; echo looked'
  - id: sure
    approve: { ask: "Clean it now?", by: sre, expires: 10m }
  - id: clean
    exec: [echo, cleaned]
`;

/** What a moderator does to a thread that annoys: it is closed, and only who may manage threads opens it again. */
test.each([50083, 50013] as const)(
  'a thread that is locked before a question asks it in a new thread of the channel; whichever code Discord has for that: %i',
  async lockedSays => {
    const folder = await mkdtemp(join(tmpdir(), 'tocsin-locked-'));
    later(() => rm(folder, { recursive: true, force: true }));
    const go = join(folder, 'go');
    const { app, chat, discord } = await openDiscord(later, ['alice'], ids => ({
      'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret }
people:
  alice: { accounts: { discord: "${ids.alice}" } }
groups: { sre: [alice] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
routes:
  - { to: ["discord:alerts"] }
`,
      'policy.yaml': 'rules:\n  - { name: all, decide: auto }\n',
      'runbooks/clean.yaml': runbook(go),
    }));
    discord.world.lockedSays = lockedSays;
    const channel = chat.channel('alerts');

    await app.alert({ alertname: 'DiskFull', host: 'web-1' });
    const root = channel.expectMessage('a test alert');
    const thread = await root.thread().expectMessage('Look, then clean').expectUpdate('running');
    const place = discord.world.channels.get(thread.of.channel);
    Object.assign(place ?? {}, { archived: true, locked: true });
    await writeFile(go, '');

    // The same alert once more, further down in the channel, with what is asked.
    const again = root.expectMessage('a test alert');
    await again
      .thread()
      .expectMessage('Clean it now?')
      .press('Approve', alice)
      .expectTold('Approved')
      .expectUpdate('alice approved');
    await again.thread().expectMessage('Look, then clean').expectUpdate('succeeded');
    expect((await app.runs()).map(run => run.state)).toEqual(['succeeded']);

    const { body } = await app.call('GET', '/readyz', { as: null });
    expect(body.parts['chat discord']).toMatch(
      /^the thread alert\/\S+ in alerts does not take messages: A moderator locked this thread in Discord\. Unlock it.*goes on in discord:alerts\.$/,
    );
    expect(body).toMatchObject({ ready: true, well: false });
    const said = await app.app.store.post('console', 'refused/discord/alerts/thread');
    expect(said?.card.title).toMatch(/A thread in discord:alerts \(a test alert\).*locked/);

    // Other alerts of the channel go on as before, and nobody is called elsewhere.
    await app.alert({ alertname: 'Quiet', host: 'web-2' }, { fingerprint: 'aaaa' });
    await again.expectMessage('a test alert');
    await channel.expectCount(3);
  },
);
