import { describe, expect, test } from 'vitest';
import type { TestApp } from '../doubles/app.ts';
import { readable } from '../doubles/slack/index.ts';
import { as, type Chat } from '../journey/language.ts';
import { openConsole, openDiscord, openSlack, useLater } from '../journey/setup.ts';

const later = useLater();
const [alice, bob] = [as('alice'), as('bob')];

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const hostile = '<!channel> <@U0ALICE> @everyone *bold* [x](http://evil.example) <img src=x>';
const subject = {
  service: 'checkout',
  environment: 'production',
  image: `registry.example/${'team/'.repeat(70)}checkout@${digest}`,
  sha: 'a'.repeat(40),
  change: hostile,
  actor: hostile,
  links: Array.from({ length: 10 }, (_, index) => ({
    label: `${index} ${hostile}`,
    url: `https://ci.example/${'x'.repeat(300)}${index}`,
  })),
};

const policy = `
rules:
  - { name: staging, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: told, when: 'gate.subject.environment == "test"', decide: notify }
  - { name: ask, decide: approve, by: sre, quorum: 1, expires: 10m }
`;
const impatient = 'rules: [{ name: ask, decide: approve, by: sre, expires: 2s, then: { escalate: leads } }]';

type Accounts = Record<'alice' | 'bob', string>;

const filesFor = (platform: string, accounts: Accounts, more: { policy?: string; to?: string } = {}) => ({
  'tocsin.yaml': `
people:
  alice: ${accounts.alice}
  bob: ${accounts.bob}
groups: { sre: [alice], leads: [bob] }
operators: [bob]
routes:
  - { to: ["${platform}:alerts"] }
fallback: "${platform}:alerts"
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
  - { env: CI, service: ci }
`,
  'gates.yaml': `gates: { deploy: { ask: [ci], needs: [environment]${more.to === undefined ? '' : `, to: ["${more.to}"]`} } }`,
  'policy.yaml': more.policy ?? policy,
});

interface Place {
  app: TestApp;
  chat: Chat;
  /** The text of a message with what a person or everybody would be called by. */
  called: () => string[];
  /** The channel `ops` takes no more messages. */
  closeOps: () => void;
}

const platforms: Record<string, (more?: { policy?: string; to?: string }) => Promise<Place>> = {
  async slack(more) {
    const accounts = { alice: '{ accounts: { slack: T0ACME/U0ALICE } }', bob: '{ accounts: { slack: T0ACME/U0BOB } }' };
    const { app, chat, slack } = await openSlack(later, filesFor('slack', accounts, more));
    const called = () =>
      slack.world.messages.flatMap(message => {
        const people = [...JSON.stringify(message.blocks ?? []).matchAll(/"user_id":"(\w+)"/g)];
        return people.map(([, user = '']) => (user === 'U0ALICE' ? 'alice' : user === 'U0BOB' ? 'bob' : user));
      });
    const closeOps = () => {
      const ops = slack.world.channels.get('C0OPS00');
      if (ops !== undefined) ops.archived = true;
    };
    return { app, chat, called, closeOps };
  },
  async discord(more) {
    const { app, chat, discord, ids } = await openDiscord(later, ['alice', 'bob'] as const, of =>
      filesFor(
        'discord',
        { alice: `{ accounts: { discord: "${of.alice}" } }`, bob: `{ accounts: { discord: "${of.bob}" } }` },
        more,
      ),
    );
    const called = () => {
      const all = [...discord.world.channels.values()].flatMap(channel => channel.messages);
      const people = all.flatMap(message => message.body.allowed_mentions?.users ?? []);
      return people.map(user => (user === ids.alice ? 'alice' : user === ids.bob ? 'bob' : user));
    };
    const closeOps = () => {
      for (const [id, { name }] of discord.world.channels) if (name === 'ops') discord.world.channels.delete(id);
    };
    return { app, chat, called, closeOps };
  },
  async console(more) {
    const files = filesFor('console', { alice: '{}', bob: '{}' }, more);
    const { app, chat } = await openConsole(later, { alice: 'ALICE', bob: 'BOB' }, files);
    return { app, chat, called: () => [], closeOps: () => {} };
  },
};

const ask = async (app: TestApp, of: object = subject) => {
  const { status, body } = await app.call('POST', '/gates', { as: 'CI', body: { gate: 'deploy', subject: of } });
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};

describe.each(Object.keys(platforms))('a gate in %s', platform => {
  const open = (more?: { policy?: string; to?: string }) => (platforms[platform] as (typeof platforms)['slack'])(more);

  test('is asked about with all of its subject, approved, taken back, and its root says each', async () => {
    const { app, chat, called } = await open();
    const gate = await ask(app);
    const root = chat.channel('alerts').expectMessage('checkout to production').expectUpdate('waiting');
    await root.expectUpdate(digest);
    const question = root.thread().expectMessage('May vote').expectButton('Deny');
    await question.expectUpdate(digest).expectUpdate('a'.repeat(40)).expectUpdate('sre, 1 needed');
    await question.press('Approve', bob).expectTold('sre').expectButton('Approve');
    await question.press('Approve', alice).expectTold('Approved. It may go on.');
    await question.expectUpdate('approved').expectNoButton('Approve').expectNoButton('Deny');
    await root.expectUpdate('allowed').expectButton('Revoke');
    expect((await app.call('GET', `/gates/${gate.id}`, { as: 'CI' })).body.verdict).toBe('allow');
    await root.press('Revoke', bob, `it loses orders ${hostile}`.slice(0, 200)).expectTold('not allowed any more');
    await root.expectUpdate('revoked').expectNoButton('Revoke');
    await root.thread().expectMessage('bob took it back, so it is not allowed any more: it loses orders');
    await chat.channel('alerts').expectCount(1);
    // Those who are asked are called, and nobody whom the data names.
    expect(new Set(called())).toEqual(new Set(platform === 'console' ? [] : ['alice']));
  }, 60_000);

  test('goes to the next group when nobody votes, and then is denied: the thread tells both', async () => {
    const { app, chat, called } = await open({ policy: impatient });
    const gate = await ask(app, { environment: 'production', service: 'checkout' });
    const root = chat.channel('alerts').expectMessage('checkout to production');
    await root.thread().expectMessage('Nobody decided in time, so leads is asked now');
    await root.thread().expectMessage('Nobody decided in time, so it is denied');
    await root.expectUpdate('expired');
    expect((await app.call('GET', `/gates/${gate.id}`, { as: 'CI' })).body).toMatchObject({
      verdict: 'deny',
      state: 'expired',
    });
    expect(new Set(called())).toEqual(new Set(platform === 'console' ? [] : ['alice', 'bob']));
  }, 60_000);

  test('is not posted when it is let through without a word, and posted when policy says to tell', async () => {
    const { app, chat } = await open();
    const quiet = await ask(app, { environment: 'staging', service: 'quiet' });
    await ask(app, { environment: 'test', service: 'loud' });
    await chat.channel('alerts').expectMessage('loud to test').expectUpdate('allowed').expectButton('Revoke');
    await chat.channel('alerts').expectCount(1);
    // Taken back, it is news.
    const path = `/api/v1/gates/${quiet.id}/revoke`;
    expect((await app.call('POST', path, { as: 'BOB', body: { reason: 'it was wrong' } })).status).toBe(200);
    const root = chat.channel('alerts').expectMessage('quiet to staging');
    await root.expectUpdate('revoked').thread().expectMessage('bob took it back');
  }, 60_000);

  test('is decided and listed by command, by the id of the gate too', async () => {
    const { app, chat } = await open();
    const gate = await ask(app, { environment: 'production', service: 'checkout' });
    await chat.channel('alerts').expectMessage('checkout to production');
    const channel = chat.channel('alerts');
    await channel.type('gates', alice).expectTold('checkout to production, at deploy');
    await channel.type(`status ${gate.id}`, alice).expectTold('May vote');
    await channel.type('list gates', alice).expectTold('1 gate that waits');
    await channel.type(`approve ${gate.id}`, bob).expectTold('sre');
    await channel.type(`approve ${gate.id} reason="looked at it"`, alice).expectTold('It may go on');
    await channel.type(`revoke gate=${gate.id} reason="it loses orders"`, alice).expectTold('not allowed any more');
    await channel.type('gates', alice).expectTold('Nobody waits at a gate');
    expect((await app.call('GET', `/gates/${gate.id}`, { as: 'CI' })).body).toMatchObject({
      state: 'revoked',
      because: 'it loses orders',
    });
  }, 60_000);
});

test("a gate is on the App Home of those who may vote, with its subject and its buttons, and on nobody else's", async () => {
  const accounts = { alice: '{ accounts: { slack: T0ACME/U0ALICE } }', bob: '{ accounts: { slack: T0ACME/U0BOB } }' };
  const { app, slack } = await openSlack(later, filesFor('slack', accounts));
  const gate = await ask(app);
  await slack.as('U0BOB').openHome();
  await slack.until(() => slack.world.homes.get('U0BOB'), 'the home of bob');
  await slack.as('U0ALICE').openHome();
  const home = await slack.until(() => slack.world.homes.get('U0ALICE'), 'the home of alice');
  expect(readable(home)).toMatch(/Waiting for you: 1[\s\S]*let checkout[\s\S]*May vote/);
  expect(readable(home)).toContain(digest);
  expect(readable(slack.world.homes.get('U0BOB') ?? {})).toContain('Waiting for you: 0');
  await slack.as('U0ALICE').pressIn({ body: home, home: true }, 'Approve');
  const state = () => app.call('GET', `/gates/${gate.id}`, { as: 'CI' });
  expect(await app.until(async () => (await state()).body.verdict === 'allow')).toBe(true);
}, 60_000);

describe.each(['slack', 'discord'])('the cards of a gate in %s', platform => {
  const open = (more?: { to?: string }) => (platforms[platform] as (typeof platforms)['slack'])(more);

  test('have Details, which show all of it to the person who asks', async () => {
    const { app, chat } = await open();
    const gate = await ask(app);
    const root = chat.channel('alerts').expectMessage('checkout to production').expectButton('Details');
    await root.press('Details', alice).expectTold(digest);
    await app.call('POST', `/api/v1/approvals/${gate.approval}/votes`, { body: { vote: 'approve' } });
    await root.expectUpdate('allowed').press('Details', bob).expectTold('Decided by');
  }, 60_000);

  // The console takes any channel.
  test.skipIf(platform === 'console')(
    'go to the fallback channel when their own does not take messages',
    async () => {
      const { app, chat, closeOps } = await open({ to: `${platform}:ops` });
      closeOps();
      await ask(app, { environment: 'production', service: 'checkout' });
      const root = chat.channel('alerts').expectMessage('checkout to production');
      await root.thread().expectMessage('May vote').press('Approve', alice).expectTold('It may go on');
      await root.expectUpdate('allowed');
    },
    60_000,
  );
});
