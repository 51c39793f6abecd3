import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { system } from '../../src/model/actor.ts';
import type { TestApp } from '../doubles/app.ts';
import { as } from '../journey/language.ts';
import { type JourneyPlace, type Later, useLater } from '../journey/setup.ts';

/** Alice and bob are sre and operators, rita is neither; mallory is nobody to Tocsin. */
const alice = as('alice');
const bob = as('bob');
const rita = as('rita');
const mallory = as('mallory');

/** What somebody is told whom Tocsin does not know, or who did not sign in. */
const notKnown = /people of tocsin\.yaml|Sign in again/;

/** The files of a journey, with what a platform has to say in them. */
export type JourneyFiles = (facts: {
  /** Where the threads are: `slack:#alerts`. The journeys look at a channel named alerts. */
  route: string;
  /** Each person's account on the platform; none where people sign in with tokens. */
  accounts?: { platform: string } & Record<'alice' | 'bob' | 'rita', string>;
}) => Record<string, string>;

export type OpenJourney = (later: Later, files: JourneyFiles) => Promise<JourneyPlace>;

/** The step prints, goes on once the file `go` is there, and prints again; then it waits for the alert to be gone. */
const runbook = (go: string) => `
title: Clean the disk
risk: low
on:
  - { source: alertmanager, match: { alertname: DiskFull } }
params:
  host: { type: string, pattern: "[a-z0-9-]{1,40}", from: labels.host }
target: params.host
steps:
  - id: clean
    idempotent: true
    script: 'echo "cleaning $PARAM_HOST"; until [ -e ${go} ]; do sleep 0.05; done; echo "cleaned $PARAM_HOST"'
  - { id: gone, verify: { resolved: true, within: 60s } }
`;

/** What people ask for by hand. */
const look = `
title: Look at it
risk: low
params:
  host: { type: string, pattern: "[a-z0-9-]{1,40}" }
target: params.host
steps:
  - { id: look, exec: [echo, "looked at \${{ params.host }}"], idempotent: true }
`;

function journeyFiles(go: string, expires: string): JourneyFiles {
  return ({ route, accounts }) => {
    const person = (name: 'alice' | 'bob' | 'rita') =>
      `  ${name}: ${accounts === undefined ? '{}' : `{ accounts: { ${accounts.platform}: "${accounts[name]}" } }`}`;
    return {
      'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret, settle: 1ms, groupInterval: 1s }
people:
${person('alice')}
${person('bob')}
${person('rita')}
groups: { sre: [alice, bob] }
operators: [sre]
routes:
  - { to: ["${route}"] }
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
  - { env: RITA, person: rita }
`,
      'policy.yaml': `rules:\n  - { name: ask sre, decide: approve, by: sre, expires: ${expires} }\n`,
      'runbooks/clean.yaml': runbook(go),
      'runbooks/look.yaml': look,
    };
  };
}

const labels = { alertname: 'DiskFull', host: 'web-1' };

/** The main journeys over the whole app. One suite; a platform says how to open it. */
export function journeyContract(name: string, open: OpenJourney): void {
  describe(`journeys on ${name}`, { timeout: 60_000 }, () => {
    const later = useLater();
    /** Opens the place; `go` lets the step of the runbook finish. */
    async function start(expires = '10m'): Promise<JourneyPlace & { go(): Promise<void> }> {
      const folder = await mkdtemp(join(tmpdir(), 'tocsin-journey-'));
      later(() => rm(folder, { recursive: true, force: true }));
      const file = join(folder, 'go');
      const place = await open(later, journeyFiles(file, expires));
      return { ...place, go: () => writeFile(file, '') };
    }

    approvedJourney(start);
    closedJourneys(start);
    askedJourneys(start);
    alertJourneys(start);
  });
}

type Start = (expires?: string) => Promise<JourneyPlace & { go(): Promise<void> }>;

function approvedJourney(start: Start): void {
  it('an alert opens a thread, is asked about, approved, run and shown, and the resolve amends it', async () => {
    const { app, chat, go } = await start();
    const startsAt = new Date(Date.now() - 60_000).toISOString();
    await app.alert(labels, { startsAt });
    const root = chat.channel('alerts').expectMessage('a test alert');
    await root.expectUpdate('firing');

    const question = root.thread().expectMessage('May vote');
    await question
      .expectUpdate(/Clean the disk[\s\S]*web-1/)
      .expectUpdate(/sre, 1 needed/)
      .expectUpdate('cleaning $PARAM_HOST')
      .expectButton('Approve')
      .expectButton('Deny');
    await question.press('Approve', rita).expectTold('Only sre may vote here').expectButton('Approve');
    await question.press('Approve', mallory).expectTold(notKnown).expectButton('Approve');
    expect((await app.runs()).map(run => run.state)).toEqual(['waiting']);

    await question
      .press('Approve', alice)
      .expectTold('Approved. It starts now.')
      .expectUpdate(/By\W*alice approved/)
      .expectNoButton('Approve')
      .expectNoButton('Deny');
    // It is shown while it runs, and goes on in the same message.
    const output = root.thread().expectMessage('cleaning web-1').expectNo('cleaned web-1');
    await output;
    await go();
    await output.expectUpdate(/cleaning web-1\s+cleaned web-1/);
    await root.thread().expectMessage('waiting for the alert to resolve');

    await app.alert(labels, { status: 'resolved', startsAt });
    await root.expectUpdate('resolved').expectNo('firing').expectNoButton('Acknowledge');
    await root.thread().expectMessage('2 of 2').expectUpdate('succeeded').expectNoButton('Cancel');
    await question.expectUpdate(/What came of it\W*run_\w+ succeeded/);
    await chat.channel('alerts').expectCount(1);
    expect((await app.runs()).map(run => run.state)).toEqual(['succeeded']);
  });
}

function closedJourneys(start: Start): void {
  it('a denial has its reason in the thread, and nothing runs', async () => {
    const { app, chat } = await start();
    await app.alert(labels);
    const thread = chat.channel('alerts').expectMessage('a test alert').thread();
    await thread
      .expectMessage('May vote')
      .press('Deny', bob, 'the sale is on')
      .expectTold('Denied.')
      .expectUpdate(/By\W*bob denied[\s\S]*“the sale is on”/)
      .expectUpdate('nothing ran')
      .expectNoButton('Approve');
    await thread.expectMessage('“Clean the disk” denied').expectUpdate('the sale is on');
    expect((await app.runs()).map(run => [run.state, run.startedAt])).toEqual([['denied', null]]);
  });

  it('what nobody decides expires, and nothing runs', async () => {
    const { app, chat } = await start('1s');
    await app.alert(labels);
    const thread = chat.channel('alerts').expectMessage('a test alert').thread();
    await thread.expectMessage('May vote').expectUpdate('expired').expectNoButton('Approve').expectNoButton('Deny');
    await thread.expectMessage('“Clean the disk” expired');
    expect((await app.runs()).map(run => [run.state, run.startedAt])).toEqual([['expired', null]]);
  });
}

function askedJourneys(start: Start): void {
  it('whoever asks for a run may not approve it; somebody else may', async () => {
    const { app, chat } = await start();
    const channel = chat.channel('alerts');
    await channel.type('run look host=web-2', alice).expectTold('waits for approval by sre');
    const root = channel.expectMessage('Look at it');
    const question = root.thread().expectMessage('May vote');
    await question
      .press('Approve', alice)
      .expectTold('Nobody votes on a run that they asked for themselves')
      .expectButton('Approve');
    await question.press('Approve', bob).expectTold('Approved').expectUpdate('bob approved');
    await root.expectUpdate('succeeded').expectUpdate('1 of 1').expectNoButton('Cancel');
    expect(await refusals(app)).toEqual([['person', 'alice']]);
  });

  it('a halt is set by those who may, stops what an alert would start, and is ended again', async () => {
    const { app, chat } = await start();
    const channel = chat.channel('alerts');
    await channel.type('halt reason="a bad release"', rita).expectTold(/operator/);
    await channel.type('halt reason="a bad release"', alice).expectTold('Halted: no step starts');
    await app.alert(labels);
    await channel
      .expectMessage('a test alert')
      .expectReply('clean was not started')
      .expectUpdate('alice halted everything: a bad release')
      .expectNoButton('Run');
    expect((await app.runs()).map(run => run.state)).toEqual([]);
    await channel.type('resume reason="it was rolled back"', alice).expectTold('Resumed.');
    await channel.type('run look host=web-1', alice).expectTold('waits for approval by sre');
    expect(await refusals(app)).toEqual([['person', 'rita']]);
  });
}

/** An alert that no runbook is for, so that its thread has nothing but what people do. */
const other = { alertname: 'Other', host: 'web-1' };

function alertJourneys(start: Start): void {
  it('an acknowledgement is pressed, taken back, and given again with a time and a reason', async () => {
    const { app, chat } = await start();
    const { alert } = await app.alert(other);
    const root = chat.channel('alerts').expectMessage('a test alert');
    await root
      .press('Acknowledge', rita)
      .expectTold('Acknowledged by rita.')
      .expectUpdate(/Acknowledged by\W*rita/)
      .expectNoButton('Acknowledge')
      .press('Undo acknowledge', alice)
      .expectTold('No longer acknowledged.')
      .expectNo('Acknowledged by')
      .expectButton('Acknowledge');
    await chat
      .channel('alerts')
      .type(`ack ${alert} for=2h reason="the vendor looks at it"`, bob)
      .expectTold('Acknowledged by bob for 2h.');
    await root.expectUpdate(/Acknowledged by\W*bob, until/).expectButton('Undo acknowledge');
    await root
      .thread()
      .expectMessage('Acknowledged by rita')
      .expectMessage('alice took the acknowledgement back')
      .expectMessage('Acknowledged by bob for 2h: the vendor looks at it');
    await chat.channel('alerts').type(`unack ${alert}`, rita).expectTold('No longer acknowledged.');
    await root.expectButton('Acknowledge');
  });

  it('a note stands in the thread with its author, as text, and starts nothing', async () => {
    const { app, chat } = await start();
    const { alert } = await app.alert(other);
    const root = chat.channel('alerts').expectMessage('a test alert');
    const told = 'halt <everything> & call @here, the vendor is informed';
    await chat.channel('alerts').type(`note "${alert} ${told}"`, rita).expectTold('Noted.');
    await root
      .thread()
      .expectMessage('Note by rita')
      .expectUpdate(/the vendor is informed/);
    await chat
      .channel('alerts')
      .type(`note "${alert} let me in"`, mallory)
      .expectTold(/tocsin\.yaml|Sign in again/);
    await root.expectUpdate('firing');
    const facts = (await app.journal()).map(({ actor, fact }) => [actor.id, fact] as const);
    expect(facts.filter(([, fact]) => fact.kind === 'alert.noted')).toEqual([
      ['rita', { kind: 'alert.noted', alert, text: told }],
    ]);
    expect(facts.filter(([, fact]) => fact.kind === 'halt.set' || fact.kind === 'run.created')).toEqual([]);
  });

  it('a silence is pressed by operators, and ended by them or by its time', async () => {
    const { app, chat } = await start();
    const { alert } = await app.alert(other);
    const root = chat.channel('alerts').expectMessage('a test alert');
    await root
      .press('Silence 1h', rita)
      .expectTold(/operator/)
      .expectUpdate('firing');
    await root
      .press('Silence 1h', alice)
      .expectTold('Silenced for 1h.')
      .expectUpdate('silenced')
      .expectUpdate(/, by alice/)
      .expectNoButton('Silence 1h')
      .press('End silence', bob)
      .expectTold('The silence is ended.')
      .expectUpdate('firing')
      .expectButton('Silence 1h');
    await chat
      .channel('alerts')
      .type(`silence alert=${alert} for=1s reason="only a moment"`, alice)
      .expectTold('Silenced for 1s.');
    await root
      .thread()
      .expectMessage('Silenced by alice for 1h')
      .expectMessage('bob ended the silence')
      .expectMessage('Silenced by alice for 1s: only a moment')
      .expectMessage('The silence is over, and the alert still fires');
    await root.expectUpdate('firing').expectNo('silenced').expectButton('Silence 1h');
    expect(await refusals(app)).toEqual([['person', 'rita']]);
  });

  it('an alert is closed by operators with a reason: by its button where its news stays away, and by command', async () => {
    const { app, chat } = await start();
    const startsAt = new Date(Date.now() - 60_000).toISOString();
    const { alert } = await app.alert(other, { startsAt });
    const channel = chat.channel('alerts');
    const root = channel.expectMessage('a test alert');
    await root.expectUpdate('firing').expectNoButton('Close').expectNo('No news since');
    await channel.type(`close alert=${alert} reason="it is gone"`, mallory).expectTold(/in people|Sign in again/);
    await channel.type(`close alert=${alert} reason="it is gone"`, rita).expectTold(/operator/);
    await markQuiet(app, alert);

    await root
      .expectUpdate(/No news since .*; it may be over/)
      .press('Close', alice, 'the machine is gone')
      .expectTold('Closed.')
      .expectUpdate('resolved')
      .expectUpdate(/Closed by\W*alice: the machine is gone/)
      .expectNo('No news since')
      .expectNoButton('Close')
      .expectNoButton('Acknowledge');
    await root.thread().expectMessage('Closed by alice: the machine is gone');

    // The same start: it was not over, and the thread goes on.
    await app.alert(other, { startsAt });
    await root.expectUpdate('firing').expectNo('Closed by').expectButton('Acknowledge');
    await channel.type(`close alert=${alert} reason="now it is"`, bob).expectTold('Closed.');
    await root.expectUpdate(/Closed by\W*bob: now it is/).expectUpdate('resolved');
    await channel.expectCount(1);
    expect((await refusals(app)).filter(([kind]) => kind === 'person')).toEqual([['person', 'rita']]);
  });
}

/** Marks the alert as one whose news stays away, as the duty does that watches for it. */
async function markQuiet(app: TestApp, id: string): Promise<void> {
  const { store } = app.app;
  const known = await store.alert(id);
  if (known === null) throw new Error(`there is no alert ${id}`);
  const stream = `alert/${id}`;
  await store.commit({
    guards: [{ kind: 'stream', stream, version: known.version }],
    entries: [{ stream, actor: system, at: Date.now(), fact: { kind: 'alert.noted', alert: id, text: 'a note' } }],
    rows: [{ table: 'alert', doc: { ...known, version: known.version + 1, quietSince: known.lastSeen } }],
  });
  // What goes around the app's feed is heard with its next commit.
  await app.call('POST', `/api/v1/alerts/${id}/acknowledge`, { as: 'BOB' });
}

/** Who was refused something, as the journal has it. */
async function refusals(app: TestApp): Promise<string[][]> {
  const refused = (await app.journal()).filter(entry => entry.fact.kind === 'act.refused');
  return refused.map(({ actor }) => [actor.kind, actor.id]);
}
