import { describe, expect, it } from 'vitest';
import { authorise } from '../../../src/flow/people/authorise.ts';
import type { Act } from '../../../src/model/act.ts';
import type { Actor } from '../../../src/model/actor.ts';
import { configFile } from '../../../src/model/config.ts';
import type { Run } from '../../../src/model/run.ts';
import { sampleRun } from '../../contracts/samples.ts';
import { askOf, person, service } from '../place.ts';

/** olga is an operator; alice was asked about the run; rita asked for it; mallory is in people and in nothing else. */
const members: Record<string, string[]> = { sre: ['alice'], ops: ['olga'], leads: ['lena'] };
const isAmong = async (id: string, names: readonly string[]) =>
  names.some(name => name === id || members[name]?.includes(id) === true);

const asked: Run = sampleRun({
  requestedBy: 'person:rita',
  decision: { verdict: 'approve', rule: 'ask', because: 'it held', ask: askOf('sre') },
});
const byService = sampleRun({ requestedBy: 'service:ci' });

const acts: { [K in Act['kind']]: Extract<Act, { kind: K }> } = {
  run: { kind: 'run', runbook: 'mend', params: {}, alert: null, reason: null },
  vote: { kind: 'vote', approval: 'apv_1', vote: 'approve', reason: null, seal: null },
  cancel: { kind: 'cancel', run: 'run_1', reason: null },
  answer: { kind: 'answer', run: 'run_1', step: 'mend', choice: 'retry', reason: null },
  acknowledge: { kind: 'acknowledge', alert: 'alt_1' },
  note: { kind: 'note', alert: 'alt_1', run: null, gate: null, text: 'x' },
  unacknowledge: { kind: 'unacknowledge', alert: 'alt_1' },
  silence: { kind: 'silence', alert: 'alt_1', duration: 1000 },
  unsilence: { kind: 'unsilence', alert: 'alt_1' },
  close: { kind: 'close', alert: 'alt_1', reason: 'over' },
  test: { kind: 'test', source: 'github' },
  record: { kind: 'record', source: 'github', deliveries: 1, duration: 1000, unproven: false, reason: null },
  unrecord: { kind: 'unrecord', recording: 'rec_1' },
  redrive: { kind: 'redrive', letter: 'ltr_1', reason: null },
  discard: { kind: 'discard', letter: 'ltr_1', reason: null },
  gate: { kind: 'gate', gate: 'deploy', door: 'http', subject: {} },
  revoke: { kind: 'revoke', gate: 'gat_1', reason: 'wrong' },
  permit: {
    kind: 'permit',
    permit: { principal: 'p', actions: [], resources: [], until: 1, change: 'c', reason: 'r' },
  },
  unpermit: { kind: 'unpermit', permit: 'pmt_1', reason: null },
  claim: { kind: 'claim', change: 'hld_1', reason: 'I did it' },
  'break-glass': { kind: 'break-glass', reason: 'the site is down' },
  'break-glass-end': { kind: 'break-glass-end', window: 'win_1', reason: null },
  ban: { kind: 'ban', what: 'sha256:00', alert: null, reason: 'bad', duration: null, blocks: 'rollout' },
  unban: { kind: 'unban', entry: 'bad_1', reason: 'good' },
  halt: { kind: 'halt', reason: 'incident' },
  resume: { kind: 'resume', reason: 'over' },
};
const kinds = Object.keys(acts) as Act['kind'][];

interface Given {
  run?: Run | null;
  tokenMay?: readonly string[] | null;
  operators?: string[];
  gateAsk?: readonly string[] | null;
  glassBy?: readonly string[] | null;
  glassOwner?: string | null;
  changeOwner?: string | null;
  imports?: boolean;
  importer?: string | null;
}

function ask(
  who: Actor,
  kind: Act['kind'],
  {
    run = asked,
    tokenMay = null,
    operators = ['ops'],
    gateAsk = ['service:ci'],
    glassBy = null,
    glassOwner = null,
    changeOwner = null,
    imports = false,
    importer = null,
  }: Given = {},
) {
  const asked = run?.decision.ask?.by ?? [];
  return authorise(who, acts[kind], {
    config: configFile.parse({ operators }),
    run,
    asked,
    gateAsk,
    glassBy,
    glassOwner,
    changeOwner,
    imports,
    importer,
    tokenMay,
    isAmong,
  });
}

/** The acts that are allowed, of all that there are. */
async function allowed(who: Actor, given: Given = {}): Promise<Act['kind'][]> {
  const answers = await Promise.all(kinds.map(async kind => [kind, await ask(who, kind, given)] as const));
  return answers.filter(([, refusal]) => refusal === null).map(([kind]) => kind);
}

const anybody = ['note', 'run', 'vote', 'acknowledge', 'unacknowledge'];
const operators = [
  'break-glass-end',
  'silence',
  'unsilence',
  'close',
  'test',
  'record',
  'unrecord',
  'redrive',
  'discard',
  'ban',
  'unban',
  'halt',
  'resume',
  'revoke',
  'unpermit',
];

describe('who may do what', () => {
  it.each<[string, Actor, Given, string[]]>([
    ['a person of tocsin.yaml', person('mallory'), {}, anybody],
    ['one who asked for the run', person('rita'), {}, [...anybody, 'cancel', 'answer']],
    ['one who was asked about the run', person('alice'), {}, [...anybody, 'cancel', 'answer', 'revoke']],
    ['one of another group than was asked', person('lena'), {}, anybody],
    [
      'an operator',
      person('olga'),
      {},
      kinds.filter(kind => kind !== 'gate' && kind !== 'break-glass' && kind !== 'claim' && kind !== 'permit'),
    ],
    [
      'an operator, without a run',
      person('olga'),
      { run: null },
      kinds.filter(kind => kind !== 'gate' && kind !== 'break-glass' && kind !== 'claim' && kind !== 'permit'),
    ],
    ['one who was asked, without a run', person('alice'), { run: null }, anybody],
    ['one who would be asked, of a run that nobody was asked about', person('alice'), { run: byService }, anybody],
    ['somebody who is called like the requester', person('ci'), { run: byService }, anybody],
    [
      'somebody, when everybody is an operator',
      person('mallory'),
      { operators: [] },
      kinds.filter(kind => kind !== 'gate' && kind !== 'break-glass' && kind !== 'claim' && kind !== 'permit'),
    ],
    ['a service', service('ci'), {}, ['run', 'acknowledge', 'unacknowledge', 'gate']],
    [
      'a service that asked for the run',
      service('ci'),
      { run: byService },
      ['run', 'cancel', 'acknowledge', 'unacknowledge', 'gate'],
    ],
    ['a service called like one who asked', service('rita'), {}, ['run', 'acknowledge', 'unacknowledge']],
    ['a service called like one who was asked', service('alice'), {}, ['run', 'acknowledge', 'unacknowledge']],
    [
      'a service that is an operator',
      service('olga'),
      {},
      [
        'run',
        'cancel',
        'acknowledge',
        'unacknowledge',
        'silence',
        'unsilence',
        'test',
        'unrecord',
        'break-glass-end',
        'redrive',
        'discard',
        'halt',
        'resume',
        'revoke',
      ],
    ],
    [
      'a service that is an operator, with a token that names close and record',
      service('olga'),
      { tokenMay: [...kinds] },
      kinds.filter(
        kind =>
          kind !== 'vote' &&
          kind !== 'answer' &&
          kind !== 'gate' &&
          kind !== 'break-glass' &&
          kind !== 'claim' &&
          kind !== 'permit',
      ),
    ],
    ['a stranger', { kind: 'stranger', id: 'slack:U1', via: 'slack', because: 'guest' }, { operators: [] }, []],
    ['a source', { kind: 'source', id: 'am' }, { operators: [] }, []],
    ['Tocsin itself', { kind: 'system', id: 'tocsin' }, {}, kinds],
  ])('%s', async (_, who, given, may) => {
    expect(await allowed(who, given)).toEqual(kinds.filter(kind => may.includes(kind)));
  });

  it.each(kinds)('a token that may only %s does that and nothing else, for an operator too', async kind => {
    const gateAsk = ['person:olga'];
    expect(
      await allowed(person('olga'), {
        tokenMay: [kind],
        gateAsk,
        glassBy: ['olga'],
        changeOwner: 'olga',
        imports: true,
      }),
    ).toEqual([kind]);
    expect(await allowed(person('olga'), { tokenMay: [] })).toEqual([]);
  });

  it('nobody is asked for when nobody was asked about the run', async () => {
    const config = configFile.parse({ operators: ['ops'] });
    const looked: (readonly string[])[] = [];
    const look = async (id: string, names: readonly string[]) => {
      looked.push(names);
      return await isAmong(id, names);
    };
    const facts = {
      config,
      run: byService,
      asked: [],
      gateAsk: null,
      glassBy: null,
      glassOwner: null,
      changeOwner: null,
      imports: false,
      importer: null,
      tokenMay: null,
      isAmong: look,
    };
    expect(await authorise(person('mallory'), acts.cancel, facts)).not.toBeNull();
    expect(looked).toEqual([['ops']]);
  });

  it('only people that changes.yaml names break the glass, and end their own window', async () => {
    const glass = { glassBy: ['leads'], glassOwner: 'lena' };
    expect(await ask(person('lena'), 'break-glass', glass)).toBeNull();
    expect(await ask(person('lena'), 'break-glass-end', glass)).toBeNull();
    expect(await ask(person('lena'), 'break-glass', { ...glass, glassBy: null })).toContain('has no breakGlass');
    expect(await ask(person('olga'), 'break-glass', glass)).toBe('Only leads may break the glass.');
    expect(await ask(person('olga'), 'break-glass-end', glass)).toBeNull();
    expect(await ask(person('rita'), 'break-glass-end', glass)).toContain('for operators');
    expect(await ask(service('ci'), 'break-glass', glass)).toContain('Only people break the glass');
    expect(await ask(person('lena'), 'break-glass', { ...glass, tokenMay: ['run'] })).toContain('may only run');
  });

  it('only importers permit, and take back their own; operators take back those of others', async () => {
    expect(await ask(service('ci'), 'permit', { imports: true })).toBeNull();
    expect(await ask(person('olga'), 'permit', { operators: [] })).toContain('does not let olga import permits');
    expect(await ask(service('ci'), 'permit', { imports: true, tokenMay: ['run'] })).toContain('may only run');
    expect(await ask(service('ci'), 'unpermit', { importer: 'service:ci' })).toBeNull();
    expect(await ask(service('ci'), 'unpermit', { importer: 'person:ci', operators: [] })).toContain('names unpermit');
    expect(await ask(person('mallory'), 'unpermit', { importer: 'service:ci' })).toContain('for operators');
    expect(await ask(person('olga'), 'unpermit', { importer: 'service:ci' })).toBeNull();
  });

  it('the acts of operators are those that are listed here', async () => {
    const more = new Set(await allowed(person('olga'), { run: null }));
    const all = new Set(await allowed(person('mallory'), { run: null }));
    expect([...more].filter(kind => !all.has(kind)).sort()).toEqual([...operators, 'cancel', 'answer'].sort());
  });
});

describe('a refusal says why', () => {
  it.each<[Actor, Act['kind'], Given, string]>([
    [{ kind: 'source', id: 'am' }, 'halt', {}, 'A source delivers events and does nothing else.'],
    [
      { kind: 'stranger', id: 'slack:U1', via: 'slack', because: 'a guest' },
      'vote',
      {},
      'slack:U1 is not in people of tocsin.yaml: a guest',
    ],
    [person('olga'), 'halt', { tokenMay: ['run', 'vote'] }, 'This token may only run, vote.'],
    [service('ci'), 'vote', {}, 'Only people vote, and service ci is not a person.'],
    [service('ci'), 'answer', { run: byService }, 'Only people answer for a step whose outcome is unknown.'],
    [service('olga'), 'close', {}, 'A service closes alerts only with a token whose `may` in tocsin.yaml names close.'],
    [person('mallory'), 'cancel', { operators: ['ops', 'lena'] }, 'This is for operators, which are ops, lena.'],
    [person('mallory'), 'halt', {}, 'This is for operators, which are ops.'],
  ])('%j, %s', async (who, kind, given, because) => {
    expect(await ask(who, kind, given)).toBe(because);
  });
});
