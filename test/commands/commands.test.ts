import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Card } from '../../src/model/card.ts';
import type { CommandAnswer, CommandContext } from '../../src/ports/chat.ts';
import { sampleGate, sampleHeld } from '../contracts/gates.ts';
import { noon, sampleAlert, sampleApproval, sampleEvent, sampleRun } from '../contracts/samples.ts';
import { sampleParam, sampleRunbook } from '../contracts/views.ts';
import { createHostDouble, type HostDouble, loadCommands } from '../doubles/chat-host.ts';
import { createClock } from '../doubles/clock.ts';

const alice = { kind: 'person', id: 'alice', via: 'slack', account: 'slack:T1/U1' } as const;
const nowhere: CommandContext = { platform: 'console', channel: 'alerts', alert: null, run: null, gate: null };

const diskFull = sampleRunbook({
  id: 'disk-full',
  title: 'Free disk space',
  on: ['alertmanager alertname=NodeDiskFull'],
  params: [
    sampleParam('host'),
    sampleParam('days', { type: 'number', required: false, default: '7' }),
    sampleParam('deep', { type: 'boolean', required: false }),
    sampleParam('mode', { type: 'enum', required: false, default: 'soft', options: ['soft', 'hard'] }),
  ],
});

let double: HostDouble;
beforeEach(async () => {
  double = await createHostDouble({ clock: createClock(noon + 60_000) });
  double.view.runbooks = [diskFull, { ...diskFull, id: 'restart-service', title: 'Restart a service', params: [] }];
});
afterEach(() => double.close());

const type = (line: string, context: Partial<CommandContext> = {}) =>
  double.host.command(alice, line, { ...nowhere, ...context });

/** All that a person reads of an answer. */
function textOf(answer: CommandAnswer): string {
  if (!answer.ok) return answer.text;
  const card: Card = answer.card;
  return [card.title, card.badge ?? '', JSON.stringify(card.blocks)].join('\n');
}

const acts = () => double.acts.map(({ act }) => act);

describe('commands about gates', () => {
  const gate = sampleGate({ id: 'gat_0one', approval: 'apv_0one' });
  const asked = sampleApproval({ id: 'apv_0one', run: null, gate: 'gat_0one', alert: null });
  beforeEach(() =>
    double.commit({
      rows: [
        { table: 'document', kind: 'gate', doc: gate },
        { table: 'document', kind: 'gate', doc: sampleGate({ id: 'gat_0two', state: 'allowed', approval: null }) },
        { table: 'approval', doc: asked },
        { table: 'document', kind: 'held', doc: sampleHeld() },
      ],
    }),
  );

  it('never guess which gate is meant where no thread says it', async () => {
    expect(textOf(await type('approve'))).toContain('Say which approval.');
    expect(textOf(await type('revoke because'))).toContain('There is no gate that is allowed "because"');
    expect(acts()).toEqual([]);
    expect(textOf(await type('deny', { gate: 'gat_0one' }))).toContain('Done.');
    expect(acts()).toEqual([{ kind: 'vote', approval: 'apv_0one', vote: 'deny', reason: null, seal: null }]);
  });

  it('find a gate by its id, and its approval by both ids', async () => {
    await type('approve gat_0one "looked at it"');
    await type('approve apv_0one');
    expect(acts()).toMatchObject([
      { approval: 'apv_0one', reason: 'looked at it' },
      { approval: 'apv_0one', reason: null },
    ]);
    expect(textOf(await type('approve gat_0two'))).toContain('Nobody was asked about gat_0two: it is allowed');
  });

  it('take back with a reason, in the thread of the gate with the reason alone', async () => {
    await type('revoke gat_0two it loses orders');
    await type('revoke it loses orders', { gate: 'gat_0two' });
    expect(acts()).toEqual(Array(2).fill({ kind: 'revoke', gate: 'gat_0two', reason: 'it loses orders' }));
    expect(textOf(await type('revoke gat_0two'))).toContain('Say why');
    expect(textOf(await type('revoke'))).toContain('Say which gate');
  });

  it('list and count them', async () => {
    expect(textOf(await type('gates'))).toContain('1 that wait for people');
    expect(textOf(await type('gates allowed'))).toContain('gat_0two');
    expect(textOf(await type('gates alowed'))).toContain('Did you mean "allowed"?');
    expect(textOf(await type('list gates'))).toContain('1 gate that waits');
    expect(textOf(await type('list changes'))).toContain('Port 22 was opened to the world');
    const status = textOf(await type('status'));
    expect(status).toContain('{"label":"Gates that wait","value":"1"');
    expect(status).toContain('{"label":"Unpermitted changes","value":"1"');
  });
});

describe('the commands', () => {
  it('are all there, and each says what it is for and shows an example that begins with its name', async () => {
    const commands = await loadCommands();
    expect([...commands.keys()]).toEqual([
      'ack',
      'approve',
      'ban',
      'break-glass-end',
      'break-glass',
      'cancel',
      'claim',
      'close',
      'deny',
      'explain',
      'gates',
      'halt',
      'help',
      'history',
      'list',
      'note',
      'resume',
      'revoke',
      'run',
      'silence',
      'status',
      'unack',
      'unban',
      'unsilence',
    ]);
    for (const command of commands.values()) {
      expect(command.usage.split(' ')[0]).toBe(command.id);
      expect(command.about).toMatch(/\.$/);
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) expect(example.split(' ')[0]).toBe(command.id);
    }
  });

  it('name the nearest one for a mistyped one', async () => {
    expect(textOf(await type('statsu'))).toContain('Did you mean "status"?');
    expect(textOf(await type('help aprove'))).toContain('Did you mean "approve"?');
  });
});

describe('help', () => {
  it('lists all commands, and explains one', async () => {
    const all = textOf(await type('help'));
    for (const command of double.host.commands()) expect(all).toContain(JSON.stringify(command.usage).slice(1, -1));
    const one = textOf(await type('help run'));
    expect(one).toContain('policy decides');
    expect(one).toContain('run disk-clean-up host=web-1');
  });
});

describe('run', () => {
  it('starts a runbook with typed parameters, the reason and the alert of the thread', async () => {
    const answer = await type('run disk-full host=web-1 days=3 deep=true mode=hard reason="it is late"', {
      alert: 'alt_1',
    });
    expect(answer.ok).toBe(true);
    expect(double.acts).toEqual([
      {
        who: alice,
        act: {
          kind: 'run',
          runbook: 'disk-full',
          params: { host: 'web-1', days: 3, deep: true, mode: 'hard' },
          alert: 'alt_1',
          reason: 'it is late',
        },
      },
    ]);
  });

  it('leaves text that is not of the type to the runbook, which refuses it in its own words', async () => {
    await type('run disk-full host=web-1 days=many deep=perhaps');
    expect(acts()[0]).toMatchObject({ params: { host: 'web-1', days: 'many', deep: 'perhaps' } });
  });

  it('gives `reason` to the runbook when it has a parameter of that name', async () => {
    const own = {
      ...diskFull,
      params: [{ name: 'reason', type: 'string' as const, about: '', required: true, default: null, options: [] }],
    };
    double.view.runbooks = [own];
    await type('run disk-full reason=mine');
    expect(acts()[0]).toMatchObject({ params: { reason: 'mine' }, reason: null });
  });

  it.each([
    ['run', 'Say which runbook: disk-full, restart-service'],
    ['run disk-ful host=web-1', 'Did you mean "disk-full"?'],
    ['run nothing-like-it', 'disk-full, restart-service'],
    ['run disk-full', 'disk-full needs host'],
    ['run disk-full hots=web-1', 'Did you mean "host"?'],
    ['run disk-full web-1', 'for example host=web-1'],
    ['run restart-service now', 'restart-service takes no parameters'],
    ['run restart-service x=1', 'no parameters'],
    ['run disk-full host="web-1', 'A quote is not closed'],
    ['run __proto__', 'There is no runbook "__proto__"'],
    ['run disk-full host=a __proto__=1', 'no parameter "__proto__"'],
  ])('refuses %j and says what is allowed', async (line, told) => {
    const answer = await type(line);
    expect(answer.ok).toBe(false);
    expect(textOf(answer)).toContain(told);
    expect(double.acts).toEqual([]);
  });

  it('passes on why it was refused', async () => {
    double.answers = [{ ok: false, code: 'forbidden', status: 403, text: 'The rule “change freeze” denies it.' }];
    const answer = await type('run disk-full host=web-1');
    expect(answer).toEqual({ ok: false, code: 'forbidden', text: 'The rule “change freeze” denies it.' });
  });
});

describe('the commands about an alert', () => {
  const ids = ['alt_01m842aaaa1111bbbb2222', 'alt_01m842aaaa1111bbbb3333'] as const;
  beforeEach(() =>
    double.commit({
      rows: ids.map(id => ({ table: 'alert' as const, doc: sampleAlert({ id, fingerprint: id }) })),
    }),
  );
  const hour = 3_600_000;

  it.each([
    [`ack ${ids[0]}`, { kind: 'acknowledge', alert: ids[0], reason: null }],
    [
      'ack 3333 2h the vendor looks',
      { kind: 'acknowledge', alert: ids[1], duration: 2 * hour, reason: 'the vendor looks' },
    ],
    [`unack ${ids[0]}`, { kind: 'unacknowledge', alert: ids[0] }],
    ['silence 2222 1h', { kind: 'silence', alert: ids[0], duration: hour, reason: null }],
    ['silence 2222 for=1h reason="a test"', { kind: 'silence', alert: ids[0], duration: hour, reason: 'a test' }],
    ['silence alert=2222 1h a test', { kind: 'silence', alert: ids[0], duration: hour, reason: 'a test' }],
    [`unsilence ${ids[1]}`, { kind: 'unsilence', alert: ids[1] }],
    ['close 2222 "the machine is gone"', { kind: 'close', alert: ids[0], reason: 'the machine is gone' }],
  ])('%s', async (line, act) => {
    expect((await type(line)).ok).toBe(true);
    expect(acts()).toEqual([act]);
  });

  it.each([
    ['ack', { kind: 'acknowledge', alert: ids[1], reason: null }],
    ['ack 2h', { kind: 'acknowledge', alert: ids[1], duration: 2 * hour, reason: null }],
    ['silence 1h a test', { kind: 'silence', alert: ids[1], duration: hour, reason: 'a test' }],
    ['close reason="it is gone"', { kind: 'close', alert: ids[1], reason: 'it is gone' }],
    ['unsilence', { kind: 'unsilence', alert: ids[1] }],
  ])("%s in a thread is about the thread's alert", async (line, act) => {
    expect((await type(line, { alert: ids[1] })).ok).toBe(true);
    expect(acts()).toEqual([act]);
  });

  it.each([
    ['ack', 'Say which alert'],
    ['ack 4444', 'There is no open alert "4444"'],
    ['ack 01m842a', 'Several are called "01m842a…"'],
    ['silence 2222', `Say for how long: silence ${ids[0]} 2h.`],
    ['silence 2222 for=long', '"long" is not a duration'],
    ['close 2222', `Say why: close ${ids[0]}`],
  ])('%s is refused', async (line, told) => {
    const answer = await type(line);
    expect([answer.ok, textOf(answer)]).toEqual([false, expect.stringContaining(told)]);
    expect(double.acts).toEqual([]);
  });

  it('take no misspelt alert for a reason, in a thread either', async () => {
    expect(textOf(await type('close 4444 gone', { alert: ids[1] }))).toContain('There is no open alert "4444"');
    expect(double.acts).toEqual([]);
  });
});

describe('approve and deny', () => {
  const ids = ['apv_01m842aaaa1111bbbb2222', 'apv_01m842aaaa1111bbbb3333', 'apv_01m842cccc5555dddd6666'];
  beforeEach(async () => {
    const rows = ids.map((id, index) => ({
      table: 'approval' as const,
      doc: sampleApproval({ id, run: `run_${index}`, alert: `alt_${index}` }),
    }));
    const closed = {
      table: 'approval' as const,
      doc: sampleApproval({ id: 'apv_01m842eeee7777ffff8888', state: 'denied' }),
    };
    await double.commit({ rows: [...rows, closed] });
  });

  it.each([
    ['the whole id', ids[0], ids[0]],
    ['a beginning that only one has', 'apv_01m842c', ids[2]],
    ['a beginning without the kind', '01m842c', ids[2]],
    ['an end that only one has', '3333', ids[1]],
    ['a closed one by its whole id', 'apv_01m842eeee7777ffff8888', 'apv_01m842eeee7777ffff8888'],
  ])('takes %s', async (_name, word, id) => {
    await type(`approve ${word} looked at it`);
    expect(acts()).toEqual([{ kind: 'vote', approval: id, vote: 'approve', reason: 'looked at it', seal: null }]);
  });

  it('takes the only open one of the thread', async () => {
    await type('deny', { alert: 'alt_1' });
    expect(acts()).toEqual([{ kind: 'vote', approval: ids[1], vote: 'deny', reason: null, seal: null }]);
  });

  it.each([
    ['approve', 'Say which approval'],
    ['approve apv_01m842aaaa1111bbbb', 'Several are called'],
    ['approve apv', 'There is no open approval "apv"'],
    ['approve apv_01m842eeee7777', 'There is no open approval'],
    ['deny zzzzzz', 'There is no open approval "zzzzzz"'],
  ])('refuses %j and names what is open', async (line, told) => {
    const answer = await type(line);
    expect(answer.ok).toBe(false);
    expect(textOf(answer)).toContain(told);
    expect(textOf(answer)).toContain('apv_01m842');
    expect(double.acts).toEqual([]);
  });
});

describe('cancel, halt and resume', () => {
  it('cancels by id, or the only open run of the thread', async () => {
    await double.commit({
      rows: [
        { table: 'run', doc: sampleRun({ id: 'run_open1', state: 'running', alert: 'alt_1' }) },
        { table: 'run', doc: sampleRun({ id: 'run_done1', state: 'succeeded', alert: 'alt_1' }) },
      ],
    });
    await type('cancel run_open1 "wrong machine"');
    await type('cancel', { alert: 'alt_1' });
    expect(acts()).toEqual([
      { kind: 'cancel', run: 'run_open1', reason: 'wrong machine' },
      { kind: 'cancel', run: 'run_open1', reason: null },
    ]);
    expect(textOf(await type('cancel run_done1'))).toContain('There is no open run "run_done1"');
    expect(textOf(await type('cancel'))).toContain('Say which run');
  });

  it('wants a reason to halt and to resume', async () => {
    for (const line of ['halt', 'resume', 'halt reason=""']) expect((await type(line)).ok, line).toBe(false);
    await type('halt runbooks make it worse');
    await type('resume reason="found it"');
    expect(acts()).toEqual([
      { kind: 'halt', reason: 'runbooks make it worse' },
      { kind: 'resume', reason: 'found it' },
    ]);
  });
});

describe('list and status', () => {
  it('lists runbooks with their parameters, and what is open', async () => {
    expect(textOf(await type('list'))).toContain('host (string, required)');
    expect(textOf(await type('list runs'))).toContain('No run is open');
    await double.commit({
      rows: [
        { table: 'run', doc: sampleRun({ state: 'asking' }) },
        { table: 'approval', doc: sampleApproval() },
        { table: 'alert', doc: sampleAlert() },
      ],
    });
    expect(textOf(await type('list runs'))).toContain('asking');
    expect(textOf(await type('list approvals'))).toContain('asked of sre');
    expect(textOf(await type('list alerts'))).toContain('Disk is full on web-1');
    expect(textOf(await type('list run'))).toContain('Did you mean "runs"?');
    expect((await type('list constructor')).ok).toBe(false);
  });

  it('shows everything, or one thing, or what the thread is about', async () => {
    double.details.set('run/run_1', {
      tone: 'info',
      title: 'The details',
      badge: null,
      blocks: [],
      buttons: [],
      mention: [],
    });
    expect(textOf(await type('status'))).toContain('Tocsin is working');
    await double.commit({
      rows: [
        { table: 'run', doc: sampleRun() },
        { table: 'halt', doc: { by: 'sam', reason: 'drill', at: noon } },
      ],
    });
    expect(textOf(await type('status'))).toContain('Halted by sam: drill');
    expect(textOf(await type('status run_1'))).toContain('The details');
    expect(textOf(await type('status', { run: 'run_1' }))).toContain('The details');
    expect((await type('status run_9')).ok).toBe(false);
  });
});

describe('history', () => {
  it('shows the last runs, those of a runbook or an alert, and the entries of one run', async () => {
    const run = sampleRun({
      id: 'run_abcd1',
      alert: 'alt_1',
      state: 'succeeded',
      startedAt: noon,
      finishedAt: noon + 5000,
    });
    await double.commit({
      rows: [
        { table: 'run', doc: run },
        { table: 'run', doc: sampleRun({ id: 'run_abcd2', runbook: 'restart-service', title: 'Restart' }) },
        { table: 'alert', doc: sampleAlert() },
      ],
      entries: [
        { stream: 'run/run_abcd1', actor: alice, at: noon, fact: { kind: 'run.created', run } },
        {
          stream: 'run/run_abcd1',
          actor: { kind: 'system', id: 'tocsin' },
          at: noon + 5000,
          fact: { kind: 'run.finished', run: 'run_abcd1', state: 'succeeded', because: null },
        },
      ],
    });
    expect(textOf(await type('history'))).toMatch(/run_abcd1[\s\S]*run_abcd2|run_abcd2[\s\S]*run_abcd1/);
    expect(textOf(await type('history restart-service'))).not.toContain('run_abcd1');
    expect(textOf(await type('history', { alert: 'alt_1' }))).not.toContain('run_abcd2');
    const one = textOf(await type('history run_abcd1'));
    expect(one).toContain('+0s  run.created');
    expect(one).toContain('+5s  run.finished  succeeded  by tocsin');
    expect(textOf(await type('history restart-servic'))).toContain('Did you mean "restart-service"?');
  });
});

describe('explain', () => {
  it('says what was decided when the alert came, and what would be decided now', async () => {
    const event = sampleEvent({}, { id: 'evt_1' });
    await double.commit({
      rows: [
        { table: 'alert', doc: sampleAlert() },
        { table: 'run', doc: sampleRun({ alert: 'alt_1', event: 'evt_1', state: 'succeeded' }) },
      ],
      entries: [
        {
          stream: 'alert/alt_1',
          actor: { kind: 'source', id: 'alertmanager' },
          at: noon,
          fact: { kind: 'event.accepted', event, effect: 'opened', alert: 'alt_1', episode: 1 },
        },
      ],
    });
    // The newest event is the resolve, about which nothing was decided.
    double.explanations.set('alt_1', {
      event: 'evt_2',
      alert: 'alt_1',
      title: 'Disk is full',
      started: null,
      runbooks: [
        {
          runbook: 'restart-service',
          holds: false,
          because: 'alertname is "NodeDiskFull", not "ServiceDown"',
          decision: null,
          rules: [],
        },
        {
          runbook: 'disk-full',
          holds: true,
          because: 'its trigger holds',
          decision: { verdict: 'auto', rule: 'staging heals itself', because: 'labels.env is staging' },
          rules: [{ name: 'staging heals itself', when: 'labels.env == "staging"', result: 'holds', because: null }],
        },
      ],
    });
    for (const answer of [await type('explain alt_1'), await type('explain', { alert: 'alt_1' })]) {
      const text = textOf(answer);
      expect(text).toContain('Decided when it came:');
      expect(text).toContain('auto: it held; run_1 is succeeded');
      expect(text).toContain('holds: staging heals itself');
      expect(text).toContain('not \\"ServiceDown\\"');
    }
    expect(textOf(await type('explain'))).toContain('Say what');
    expect((await type('explain evt_unknown')).ok).toBe(false);
    expect((await type('explain nothing')).ok).toBe(false);
  });
});

describe('notes', () => {
  const here = { alert: 'alt_0here' };
  const note = (text: string, about: object = here) => ({
    kind: 'note',
    alert: null,
    run: null,
    gate: null,
    ...about,
    text,
  });

  it.each([
    ['note the vendor is informed', note('the vendor is informed')],
    [`note don't "quote" a=b`, note(`don't "quote" a=b`)],
    ['note "as a field sends it"', note('as a field sends it')],
    ['note alt_0other it is this one', note('it is this one', { alert: 'alt_0other' })],
    ['note run_0m it printed enough', note('it printed enough', { run: 'run_0m' })],
    ['note "gat_0m let it wait"', note('let it wait', { gate: 'gat_0m' })],
    ['looking at it with the vendor', note('looking at it with the vendor')],
    ["it's the power supply", note("it's the power supply")],
    ['on it', note('on it')],
  ])('%s in a thread is a note', async (line, act) => {
    expect((await type(line, here)).ok).toBe(true);
    expect(acts()).toEqual([act]);
  });

  it.each([
    ['aprove apr_0abcd', 'Did you mean "approve"? To write it as a note: note aprove apr_0abcd'],
    ['cancle', 'Did you mean "cancel"?'],
    ['runs are slow', 'Did you mean "run"? To write it as a note: note runs are slow'],
    ['disk-full host=web-1', 'Did you mean "run disk-full"?'],
    ['restart host=web-1', 'There is no command "restart"'],
    ['yes apv_0abcd', 'There is no command "yes"'],
    ['please', 'To write it as a note: note please'],
    ['/aprove', 'There is no command "/aprove"'],
  ])('%s in a thread is asked about, and does nothing', async (line, told) => {
    const answer = await type(line, here);
    expect([answer.ok, textOf(answer)]).toEqual([false, expect.stringContaining(told)]);
    expect(acts()).toEqual([]);
  });

  it('outside of a thread only say what they are about', async () => {
    expect(textOf(await type('looking at it with the vendor'))).toContain('There is no command "looking"');
    expect(acts()).toEqual([]);
  });
});
