import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import platform from '../../src/chat/console/index.ts';
import { system } from '../../src/model/actor.ts';
import type { Card } from '../../src/model/card.ts';
import type { Event } from '../../src/model/event.ts';
import { streamOf } from '../../src/model/journal.ts';
import { changesSource } from '../../src/ports/catalogue.ts';
import type { ChatConnection } from '../../src/ports/chat.ts';
import type { Row } from '../../src/ports/store.ts';
import { sampleDigest, sampleGate, sampleHeld, samplePermit } from '../contracts/gates.ts';
import { noon, sampleAlert, sampleApproval, sampleRun } from '../contracts/samples.ts';
import { createHostDouble, type HostDouble, localKey } from '../doubles/chat-host.ts';
import { faultsInEveryLook } from './axe.ts';
import { chromiumPath, namelessControls, noBrowser, tooWide } from './browser.ts';

const hostile = '<img src=x onerror="window.pwned=1">\u202Eabc @here <!channel> [x](javascript:window.pwned=1)';

const question = sampleGate({
  approval: 'apv_1',
  subject: {
    service: 'checkout',
    environment: 'production',
    repository: 'acme/checkout',
    sha: 'a'.repeat(40),
    image: `registry.example/${'team/'.repeat(70)}checkout@${sampleDigest}`,
    change: hostile.replace('\u202E', ''),
    actor: 'bob',
    links: Array.from({ length: 10 }, (_, index) => ({ label: `Link ${index}`, url: `https://ci.example/${index}` })),
  },
  evidence: [
    {
      kind: 'scan',
      format: 'trivy',
      digest: 'd'.repeat(64),
      from: 'request',
      verified: true,
      by: 'caller',
      because: null,
      says: '2 critical, 14 high',
    },
    {
      kind: 'provenance',
      format: 'sigstore',
      digest: 'e'.repeat(64),
      from: 'https://registry.example/att',
      verified: false,
      by: 'caller',
      because: 'the issuer is another one',
      says: '',
    },
  ],
  knownBad: [
    {
      what: sampleDigest,
      reason: `it loses orders ${hostile}`,
      from: 'known-bad.yaml',
      by: 'person:alice',
      blocks: 'rollout',
      until: null,
      sure: true,
      asOf: null,
    },
  ],
});

const approval = sampleApproval({
  run: null,
  gate: 'gat_1',
  runbook: 'deploy',
  title: 'checkout to production',
  ask: { by: ['sre'], quorum: 2, expires: 600_000, escalate: null, reasonRequired: false },
  barred: ['service:ci', 'person:bob'],
  votes: [{ person: 'alice', account: null, via: 'slack', vote: 'approve', reason: 'r'.repeat(500), at: noon }],
});

const gateCard: Card = {
  tone: 'ask',
  title: 'checkout to production',
  badge: '1 approval missing',
  blocks: [],
  buttons: (['approve', 'deny'] as const).map(vote => ({
    label: vote === 'approve' ? 'Approve' : 'Deny',
    style: vote === 'approve' ? 'primary' : 'danger',
    reason: vote === 'approve' ? 'none' : 'optional',
    does: { kind: 'act', act: { kind: 'vote', approval: 'apv_1', vote, reason: null, seal: 'ab' } },
  })),
  mention: [],
};

const change: Event = {
  id: 'evt_1',
  source: 'trail',
  receivedAt: noon,
  raw: null,
  trusted: true,
  body: {
    kind: 'change',
    title: 'Port 22 was opened to the world',
    labels: {},
    links: [],
    occurredAt: noon,
    action: 'AuthorizeSecurityGroupIngress',
    resource: { type: 'security-group', id: 'sg-1' },
    before: { as: 'facts', facts: { ports: '443', owner: 'net' } },
    after: { as: 'facts', facts: { ports: `443, 22 ${'x'.repeat(400)}`, owner: 'net' } },
    outcome: { state: 'success' },
  },
};

const ofRun = samplePermit({ id: 'pmt_2', origin: 'run', of: 'run_1', nonce: 'secret-word', key: 'secret-word' });

const rows: Row[] = [
  { table: 'document', kind: 'gate', doc: question },
  { table: 'approval', doc: approval },
  { table: 'document', kind: 'gate', doc: sampleGate({ id: 'gat_2', state: 'denied', because: 'bad'.repeat(300) }) },
  { table: 'alert', doc: sampleAlert({ title: 'An unpermitted change', source: changesSource }) },
  { table: 'run', doc: sampleRun({ alert: 'alt_1', title: 'Close port 22' }) },
  { table: 'document', kind: 'permit', doc: samplePermit() },
  { table: 'document', kind: 'permit', doc: ofRun },
  {
    table: 'document',
    kind: 'permit',
    doc: samplePermit({ id: 'pmt_3', origin: 'break-glass', of: 'win_1', until: null, because: hostile }),
  },
  {
    table: 'document',
    kind: 'break-glass',
    doc: {
      id: 'win_1',
      person: 'alice',
      reason: `the site is down ${hostile}`,
      permit: 'pmt_3',
      openedAt: noon,
      until: noon + 3_600_000,
      state: 'open',
      because: null,
      listAt: null,
      changes: [],
      more: 0,
      version: 1,
    },
  },
  { table: 'document', kind: 'held', doc: sampleHeld({ permit: 'pmt_1', alert: 'alt_1' }) },
  {
    table: 'document',
    kind: 'held',
    doc: sampleHeld({ id: 'chg_2', state: 'permitted', permit: 'pmt_1', title: 'A planned change', occurredAt: 1 }),
  },
  {
    table: 'document',
    kind: 'held',
    doc: sampleHeld({ id: 'chg_3', trusted: false, title: hostile, event: 'evt_gone', occurredAt: 2 }),
  },
];

describe.skipIf(noBrowser)('gates and changes in the console', () => {
  let browser: Browser;
  let double: HostDouble;
  let connection: ChatConnection;
  let at: string;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    double = await createHostDouble();
    connection = await platform.open(platform.options.parse({}), double.host);
    at = await double.listen();
    context = await browser.newContext();
    page = await context.newPage();
    complaints = [];
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => void (message.type() === 'error' && complaints.push(message.text())));
    await page.goto(`${at}/?key=${localKey}`);
    double.details.set('gate/gat_1', gateCard);
    double.details.set('approval/apv_1', gateCard);
    await double.commit({
      rows,
      entries: [
        { stream: streamOf.gate('gat_1'), actor: system, at: noon, fact: { kind: 'gate.asked', gate: question } },
        { stream: streamOf.permit('pmt_2'), actor: system, at: noon, fact: { kind: 'permit.issued', permit: ofRun } },
        { stream: streamOf.event('evt_1'), actor: system, at: noon, fact: accepted },
      ],
    });
  });
  afterEach(async () => {
    await context.close();
    await connection.close();
    await double.close();
  });

  const accepted = {
    kind: 'event.accepted',
    event: change,
    alert: null,
    episode: null,
    effect: null,
  } as const;
  const live = () => page.locator('#live-state[data-state="live"]').waitFor();
  const main = () => page.locator('main').textContent();

  it('count what waits and what nobody approved, and list it', async () => {
    await page.goto(`${at}/gate`);
    const nav = page.locator('#nav');
    expect(await nav.getByRole('link', { name: 'Gates' }).textContent()).toBe('Gates1 waiting');
    await page.goto(`${at}/approvals`);
    const whole = page.getByRole('link', { name: 'All of this gate' });
    expect(await whole.getAttribute('href')).toBe('/gate/gat_1');
    await page.goto(`${at}/gate`);
    expect(await nav.getByRole('link', { name: 'Changes' }).textContent()).toBe('Changes2 unpermitted');
    expect(await page.locator('#gate-rows .row').count()).toBe(1);
    await page.getByRole('link', { name: 'Denied' }).click();
    expect(await page.locator('#gate-rows .row').count()).toBe(1);
    expect(await main()).toContain('badbad');
  });

  it('a gate shows its whole subject, who is missing, the evidence and why it counts or not, and is voted on', async () => {
    await page.goto(`${at}/gate/gat_1`);
    await live();
    const text = await main();
    for (const part of [
      'waiting for people',
      'acme/checkout',
      'a'.repeat(40),
      sampleDigest,
      question.hash,
      'rule "ask" always holds',
      '2 approvals, 1 missing',
      'service:ci, bob',
      'alice',
      '2 critical, 14 high',
      'the issuer is another one',
      'not verified: counts as absent',
      'it loses orders',
      'gate.asked',
      'Link 9',
    ])
      expect(text).toContain(part);
    await page.getByText('Deny…').click();
    await page.getByLabel('Reason').fill('not today');
    await page.getByLabel('Reason').press('Enter');
    await page.getByText('Done.', { exact: false }).first().waitFor();
    expect(double.acts.at(-1)?.act).toMatchObject({ kind: 'vote', vote: 'deny', reason: 'not today' });
  });

  it('its card is among the details that a press shows, to whoever may read', async () => {
    await page.goto(`${at}/console/details?subject=gate&id=gat_1`);
    expect(await page.locator('body').textContent()).toContain('1 approval missing');
    expect((await page.goto(`${at}/console/details?subject=permit&id=pmt_1`))?.status()).toBe(404);
  });

  it('more than a page of them are all found, and a filter looks beyond the first page', async () => {
    const many = Array.from({ length: 60 }, (_, index): Row[] => [
      {
        table: 'document',
        kind: 'gate',
        doc: sampleGate({ id: `gat_x${index}`, state: 'expired', createdAt: noon - index * 1000 }),
      },
      {
        table: 'document',
        kind: 'held',
        doc: sampleHeld({
          id: `chg_x${index}`,
          state: 'known',
          title: index === 59 ? 'the oldest of all' : 'one of many',
          occurredAt: noon - index * 1000,
        }),
      },
    ]);
    await double.commit({ rows: many.flat() });
    const seen: (string | null)[] = [];
    for (const list of ['gate?state=expired', 'changes?state=known']) {
      await page.goto(`${at}/${list}`);
      const links = page.locator('.rows .row-main');
      seen.splice(0, seen.length, ...(await links.evaluateAll(hrefs)));
      await page.getByRole('link', { name: 'Show older' }).click();
      seen.push(...(await links.evaluateAll(hrefs)));
      expect(new Set(seen.filter(href => href?.includes('_x'))).size, list).toBe(60);
    }
    await page.goto(`${at}/changes?state=known&find=oldest`);
    expect(await main()).toContain('the oldest of all');
    expect(await page.locator('#change-rows .row').count()).toBe(1);
  });

  it('a gate is kept fresh while it is open', async () => {
    await page.goto(`${at}/gate/gat_1`);
    await live();
    const { buttons } = gateCard;
    const does = { kind: 'act', act: { kind: 'revoke', gate: 'gat_1', reason: '' } } as const;
    double.details.set('gate/gat_1', {
      ...gateCard,
      buttons: [{ label: 'Revoke', style: 'danger', reason: 'required', does }],
    });
    const doc = { ...question, state: 'allowed', because: 'approved by carol', permit: 'pmt_1', version: 2 } as const;
    await double.commit({ rows: [{ table: 'document', kind: 'gate', doc }] });
    await page.getByText('approved by carol').first().waitFor();
    await page.getByText('Revoke…').click();
    expect(await page.getByRole('button', { name: buttons[0]?.label ?? '', exact: true }).count()).toBe(0);
    await page.getByLabel('Reason').fill('it loses orders');
    await page.getByLabel('Reason').press('Enter');
    await page.locator('#ans-gate-actions').getByText('Done', { exact: false }).first().waitFor();
    expect(double.acts.at(-1)?.act).toEqual({ kind: 'revoke', gate: 'gat_1', reason: 'it loses orders' });
    expect(await page.getByRole('link', { name: 'pmt_1' }).first().getAttribute('href')).toBe('/permits/pmt_1');
  });

  it('a change shows what it was and became, the permit that is near, and what came of it', async () => {
    await page.goto(`${at}/changes`);
    expect(await page.locator('#change-rows .row').count()).toBe(2);
    expect(await main()).toContain('The glass is broken.');
    expect(await main()).toContain('the site is down');
    expect(await main()).toMatch(/stands for/);
    expect(await main()).toContain('not proven');
    await page.getByRole('link', { name: 'Port 22 was opened' }).click();
    const text = await main();
    for (const part of [
      'unpermitted',
      'mallory',
      'AuthorizeSecurityGroupIngress',
      '443, 22',
      'The nearest permit does not fit: the permit pmt_1 is for another principal',
      'An unpermitted change',
      'Close port 22',
    ])
      expect(text).toContain(part);
    expect(await page.locator('.before-after tr.differs').count()).toBe(1);
    await page.getByRole('link', { name: 'An unpermitted change' }).click();
    expect(await page.locator('#alert-changes .row').count()).toBe(1);
    expect(await page.locator('#alert-changes').textContent()).toContain('Port 22 was opened');
  });

  it('changes are found by who, what and where, and by the proof of their source', async () => {
    await page.goto(`${at}/changes?state=all`);
    expect(await page.locator('#change-rows .row').count()).toBe(3);
    await page.getByLabel('Who, what or where').fill('planned');
    await page.getByRole('button', { name: 'Filter' }).click();
    expect(await page.locator('#change-rows .row').count()).toBe(1);
    await page.goto(`${at}/changes?state=unpermitted&proof=unproven`);
    expect(await page.locator('#change-rows .row').count()).toBe(1);
    await page.goto(`${at}/changes?find=nothing-like-it`);
    expect(await main()).toContain('Nothing of it.');
  });

  it('permits never show the word that a run carries', async () => {
    await page.goto(`${at}/permits`);
    expect(await page.locator('#permit-rows .row').count()).toBe(3);
    expect(await page.content()).not.toContain('secret-word');
    for (const place of ['/permits/pmt_2', '/journal']) {
      await page.goto(`${at}${place}`);
      expect(await page.content(), place).toContain('permit.issued');
      expect(await page.content(), place).not.toContain('secret-word');
    }
    await page.goto(`${at}/permits/pmt_2`);
    expect(await main()).toContain('the word of its run, which is not shown');
  });

  it.each([
    [320, 'light'],
    [390, 'dark'],
    [1280, 'light'],
  ] as const)(
    'fit %i pixels in %s, with a name for every field, and run nothing that came as data',
    async (width, colorScheme) => {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      for (const place of [
        '/gate',
        '/gate?state=all',
        '/gate/gat_1',
        '/gate/gat_2',
        '/changes?state=all',
        '/changes/chg_1',
        '/changes/chg_3',
        '/permits?state=all',
        '/permits/pmt_3',
        '/approvals?state=all',
        '/alerts/alt_1',
      ]) {
        await page.goto(`${at}${place}`);
        await live();
        expect(await page.evaluate(tooWide), place).toBe(0);
        expect(await page.locator('h1').count(), place).toBe(1);
        expect(await page.evaluate(namelessControls), place).toEqual([]);
        expect(await page.locator('main img, main script').count(), place).toBe(0);
        if (process.env['SHOTS'] !== undefined)
          await page.screenshot({
            path: `${process.env['SHOTS']}/${width}-${place.replace(/\W+/g, '-')}.png`,
            fullPage: true,
          });
      }
      expect(await page.evaluate(`'pwned' in window`)).toBe(false);
      expect(complaints).toEqual([]);
    },
  );

  it('nothing serious is found by axe in any look', async () => {
    const faults: string[] = [];
    for (const place of [
      '/gate',
      '/gate/gat_1',
      '/changes?state=all',
      '/changes/chg_1',
      '/permits?state=all',
      '/permits/pmt_3',
    ]) {
      await page.goto(`${at}${place}`);
      await live();
      faults.push(...(await faultsInEveryLook(page, place)));
    }
    expect(faults).toEqual([]);
  }, 400_000);

  it('are not found where there is none of the id', async () => {
    for (const place of ['/gate/gat_9', '/changes/chg_9', '/permits/pmt_9'])
      expect((await page.goto(`${at}${place}`))?.status(), place).toBe(404);
  });
});

function hrefs(links: { getAttribute(name: string): string | null }[]): (string | null)[] {
  return links.map(link => link.getAttribute('href'));
}
