import { describe, expect, test } from 'vitest';
import { digestOf, type Facts, findBeforehand } from '../../../../src/flow/thread/beforehand/beforehand.ts';
import { findChanged } from '../../../../src/flow/thread/beforehand/changed.ts';
import { findCuts, findLeftTargets } from '../../../../src/flow/thread/beforehand/cut.ts';
import { findNearNames } from '../../../../src/flow/thread/beforehand/near-name.ts';
import { findOthers } from '../../../../src/flow/thread/beforehand/others.ts';
import { knownNames, markScripts } from '../../../../src/flow/thread/beforehand/scripts.ts';
import { createMask, maskCard, secretParams } from '../../../../src/flow/thread/beforehand/secrets.ts';
import { findUnknown } from '../../../../src/flow/thread/beforehand/unknown.ts';
import { findVoters } from '../../../../src/flow/thread/beforehand/voters.ts';
import type { Json } from '../../../../src/kernel/canonical.ts';

const step = (shows: string, more: object = {}) => ({ id: 'clean', title: '', type: 'exec', shows, ...more });

const quiet: Facts = {
  run: { runbook: 'clean-disk', params: { host: 'web-1' }, targets: ['web-1'], planHash: 'p1' },
  kind: 'yaml',
  outline: [step('["ssh","web-1","df"]')],
  runbooks: ['clean-disk', 'restart-service'],
  known: knownNames(['web-1', 'db-1']),
  change: null,
  others: [],
  voters: { quorum: 1, people: ['alice', 'bob'], barred: ['person:bob'], voted: [] },
};
const withRun = (change: Partial<Facts['run']>, shows = '["df"]'): Facts => ({
  ...quiet,
  run: { ...quiet.run, ...change },
  outline: [step(shows)],
});
const texts = (facts: Facts) => findBeforehand(facts).map(one => one.text);

test('an ordinary plan has nothing to be told', () => {
  expect(findBeforehand(quiet)).toEqual([]);
});

describe('letters', () => {
  test('a Cyrillic letter in a host is told in words, wherever the host stands', () => {
    const host = 'web-1'.replace('e', 'е');
    const facts = withRun({ targets: [host], params: { host } }, `["ssh","${host}","reboot"]`);
    expect(texts(facts)).toEqual([`The target: "${host}" is not web-1: the "е" is Cyrillic.`]);
    expect(texts(withRun({}, `["ssh","${host}","reboot"]`))).toEqual([
      `Step clean: "${host}" is not web-1: the "е" is Cyrillic.`,
    ]);
  });

  test('the words stand behind the name in the command too', () => {
    const host = 'wеb-1';
    expect(markScripts(`ssh ${host} reboot`, quiet.known)).toBe(
      `ssh ${host} ⟦is not web-1: the "е" is Cyrillic⟧ reboot`,
    );
    expect(markScripts('ssh web-1 reboot', quiet.known)).toBe('ssh web-1 reboot');
  });

  test.each([
    ['a name of one script alone that reads like a known one', 'ахе', ['axe'], 'is not axe: the "а" is Cyrillic'],
    ['a Greek letter', 'dbο-7', [], 'mixes scripts: the "ο" is Greek'],
    ['a part of look-alikes beside a Latin part', 'db-а', [], 'mixes scripts: the "а" is Cyrillic'],
    ['full-width letters', 'ｗeb-1', ['web-1'], 'is not web-1: the "ｗ" is not the plain letter'],
    ['a character without width', 'web​-1', ['web-1'], 'is not web-1: it has a character that cannot be seen'],
    ['a hyphen that is none', 'web‐1', ['web-1'], 'is not web-1: the "‐" is not the plain letter'],
  ])('%s', (_, host, known, said) => {
    const facts = { ...withRun({ params: { host }, targets: [] }), known: knownNames(known) };
    expect(texts(facts)).toEqual([expect.stringContaining(said)]);
  });

  test.each([
    ['рау-1', 'only looks like pay-1: the "р" is Cyrillic'],
    ['ｐｒｏｄ', 'only looks like prod: the "ｐ" is not the plain letter'],
    ['𝐩𝐫𝐨𝐝-7', 'only looks like prod-7: the "𝐩" is not the plain letter'],
  ])(
    'a name without one plain letter that reads like plain ones, also when nobody knows such a name: %s',
    (host, said) => {
      const facts = { ...withRun({ params: { host }, targets: [] }), known: knownNames([]) };
      expect(texts(facts)).toEqual([`The parameter host: "${host}" ${said}.`]);
    },
  );

  test('letters that turn the order around are told once, with every place', () => {
    const facts = withRun({ params: { text: 'אבג' }, targets: ['דה'] }, '["rsync","אבג","דה"]');
    expect(texts(facts)).toEqual([
      'Letters that are read from right to left are in: The target, The parameter text and Step clean. What you see may stand in another order than it runs.',
    ]);
  });

  test.each([
    [{ targets: [' web-1'] }, 'The target begins or ends with a blank, which cannot be seen.'],
    [{ targets: ['web-1\nRISK none'] }, 'The target goes on after a line break.'],
    [{ targets: [`web-1${' '.repeat(600)}db-1`] }, 'The target has 600 blanks in a row, and goes on behind them.'],
    [
      { params: { text: `a${' '.repeat(300)}&& x` } },
      'The parameter text has 300 blanks in a row, and goes on behind them.',
    ],
  ])('blanks that hide where a text goes on: %#', (change, said) => {
    expect(texts(withRun(change))).toEqual([said]);
  });

  test('blanks as people type them are not told', () => {
    expect(texts(withRun({ params: { text: 'two  words\n  and a line ' } }))).toEqual([]);
  });

  test.each([
    'web-1',
    '10.0.0.1',
    'fe80::1',
    '20261130',
    'a-b-c.example.com',
    'москва-1',
    'сервер.рф',
    'サーバー-3',
    'web-東京-1',
    'größe-1',
    'οδός-1',
    'данные-db',
    'x86_64',
    '',
  ])('no word about %j', host => {
    const facts = {
      ...withRun({ params: { host }, targets: [host] }, `["ssh","${host}"]`),
      known: knownNames(['web-1', 'db-1', 'oca']),
    };
    expect(texts(facts)).toEqual([]);
  });

  test('many odd names are counted, and a huge text is read at once', () => {
    const names = Array.from({ length: 500 }, (_, index) => `wеb-${index}`);
    const found = texts(withRun({ targets: names }));
    expect(found).toHaveLength(4);
    expect(found[3]).toBe('497 more names are of letters that look like others.');
    const huge = texts(withRun({ params: { note: `${'ж'.repeat(1_000_000)}wеb` }, targets: [] }));
    expect(huge.join('').length).toBeLessThan(1000);
  });
});

describe('names of runbooks', () => {
  test.each([
    ['dump-db', 'dumb-db', true],
    ['restart-service', 'restart-services', true],
    ['restart', 'resatrt', true],
    ['restart', 'rеstart', true],
    ['backup-1', 'backup-2', false],
    ['backup-l', 'backup-1', true],
    ['up', 'us', false],
    ['clean-disk', 'clean-logs', false],
    ['clean-disk', 'clean-disk', false],
  ])('%s beside %s: %s', (one, other, near) => {
    expect(findNearNames(one, [other])).toHaveLength(near ? 1 : 0);
  });

  test('the sentence names the other', () => {
    expect(findNearNames('drop-db', ['dropdb', 'clean'])[0]?.text).toBe(
      'The runbook is "drop-db", one letter from the runbook "dropdb": check which one you mean.',
    );
  });
});

describe('what cannot be read beforehand', () => {
  test.each([
    ['ts', [], /TypeScript/],
    ['yaml', [step('["rm","${{ steps.find.output.path }}"]')], /Step "clean" has arguments that are computed/],
    ['yaml', [step('cleanup {}', { type: 'runbook' })], /calls another runbook/],
    ['yaml', [step('The stored snapshot', { id: 'snapshot', type: 'none' })], /cannot be shown/],
  ] as const)('%s: %j', (kind, outline, said) => {
    expect(findUnknown(kind, outline).map(one => one.text)).toEqual([expect.stringMatching(said)]);
  });

  test('known commands are not told', () => {
    expect(findUnknown('yaml', [step('["echo","$HOME {{ x }}"]')])).toEqual([]);
  });
});

describe('a runbook that changed', () => {
  const change = { last: 'p0', when: '1 Nov', before: 'a\nb\nc', after: 'a\nB\nc\nrm -rf /' };
  test('the difference is told', () => {
    expect(findChanged(change)[0]?.text).toBe(
      'The runbook changed since it last ran successfully, 1 Nov:\n- b\n+ B\n+ rm -rf /',
    );
  });
  test('one without a difference in the commands says so, and one that did not change says nothing', () => {
    expect(findChanged({ ...change, after: change.before })[0]?.text).toMatch(/The commands are the same\.$/);
    expect(findChanged(null)).toEqual([]);
  });
  test('a long difference is cut with a count', () => {
    const after = Array.from({ length: 100_000 }, (_, index) => `line ${index} ${'x'.repeat(50)}`).join('\n');
    const [found] = findChanged({ ...change, after });
    expect(found?.text).toMatch(/\(and 99,?997 more lines\)/);
    expect(found?.text.length).toBeLessThan(1200);
  });
});

describe('other cards', () => {
  const mine = { planHash: 'p1', targets: ['web-1'] };
  test.each([
    [[{ runbook: 'r', planHash: 'p1', targets: ['web-1'] }], /Another card is open for the same plan/],
    [[{ runbook: 'drop', planHash: 'p2', targets: ['db-1', 'web-1'] }], /^Another card is open for web-1: drop\.$/],
  ])('%j', (others, said) => {
    expect(findOthers(mine, others).map(one => one.text)).toEqual([expect.stringMatching(said)]);
  });
  test('cards of other targets are none of it, and a card without targets shares none', () => {
    expect(findOthers(mine, [{ runbook: 'r', planHash: 'p2', targets: ['web-2'] }])).toEqual([]);
    expect(findOthers({ planHash: 'p1', targets: [] }, [{ runbook: 'r', planHash: 'p2', targets: [] }])).toEqual([]);
  });
  test('one more of the same kind changes the text and not what a confirmation is bound to', () => {
    const one = { runbook: 'drop', planHash: 'p2', targets: ['web-1'] };
    const [few, many] = [findOthers(mine, [one]), findOthers(mine, [one, one])];
    expect(few[0]?.text).not.toBe(many[0]?.text);
    expect(digestOf(few)).toBe(digestOf(many));
    expect(digestOf(few)).not.toBe(digestOf([]));
  });
});

describe('secrets among parameters', () => {
  test.each([
    [{ password: 'hunter22' }, ['password']],
    [{ db_password: 'x1y2z3' }, ['db_password']],
    [{ apiToken: 'abc-def' }, ['apiToken']],
    [{ key: 'AKIAABCDEFGHIJKLMNOP' }, ['key']],
    [{ url: 'postgres://app:s3cret@db-1/main' }, ['url']],
    [{ note: 'ghp_abcdefghijklmnopqrstuvwxyz0123456789' }, ['note']],
    [{ value: 'q7ZpT4vKx2WmB9sLrN8dJh3F' }, ['value']],
  ])('%j', (params, found) => {
    expect(secretParams(params)).toEqual(found);
  });
  test.each([
    { host: 'web-1', count: 5, on: true, ip: '10.1.2.3' },
    { sha: '3f5c8e9a1b2d4c6e8f0a1b2c3d4e5f6a7b8c9d0e' },
    { digest: `sha256:${'ab12'.repeat(16)}` },
    { id: '7c9e6679-7425-40de-944b-e07fc1f90ae7' },
    { path: '/var/lib/PostgreSQL/14/main/base' },
    { tokenizer: 'bert', monkey: 'banana', secretary: 'anna' },
    { token: '' },
  ] as Record<string, Json>[])('no word about %j', params => {
    expect(secretParams(params)).toEqual([]);
  });
  test('it is masked in every text of a card, whatever the form, and buttons stay as they are', () => {
    const params = { password: "pa ss'word1", pin_token: '9182' };
    const card = {
      tone: 'ask' as const,
      title: `Set it to ${params.password}`,
      badge: null,
      blocks: [
        {
          kind: 'code' as const,
          text: `curl -d ${encodeURIComponent(params.password)} ${JSON.stringify(params.password)}`,
        },
        { kind: 'fields' as const, fields: [{ label: 'pin_token', value: '9182' }] },
      ],
      buttons: [],
      mention: ['sre'],
    };
    const shown = JSON.stringify(maskCard(card, params));
    expect(shown).not.toMatch(/ss'word1|ss%27word1|9182/);
    expect(shown).toContain('[redacted]');
    expect(createMask({ host: 'web-1' })('web-1')).toBe('web-1');
  });
  test('a finding does not tell what another one masks', () => {
    const found = texts(withRun({ params: { password: 'wеb-secret' }, targets: [] }));
    expect(found.join('\n')).not.toContain('wеb-secret');
    expect(found.join('\n')).toContain('looks like a secret');
  });
});

describe('who may vote', () => {
  const voters = { quorum: 2, people: ['alice', 'bob'], barred: ['person:bob'], voted: [] };
  test('fewer than are needed', () => {
    expect(findVoters(voters)[0]?.text).toBe(
      '2 approvals are needed, and only alice may give one (bob asked for it and may not): it cannot be approved as it stands.',
    );
    expect(findVoters({ ...voters, people: [] })[0]?.text).toMatch(/nobody may give one/);
  });
  test('enough, not known, or voted before they left', () => {
    expect(findVoters({ ...voters, people: ['alice', 'bob', 'cara'] })).toEqual([]);
    expect(findVoters({ ...voters, people: null })).toEqual([]);
    expect(findVoters({ ...voters, people: ['alice'], voted: ['dave'] })).toEqual([]);
  });
});

describe('cuts', () => {
  test('how much is hidden and its end', () => {
    const hidden = { platform: 'Slack', what: 'the commands', count: 1234, end: 'and then rm -rf /data' };
    expect(findCuts([hidden, { ...hidden, platform: 'Discord', count: 2000 }]).map(one => one.text)).toEqual([
      'Discord hides 2,000 characters of the commands. The hidden end is "and then rm -rf /data".',
    ]);
    expect(findCuts([])).toEqual([]);
  });
  test('an end of any length stays short, on one line', () => {
    const [found] = findCuts([{ platform: 'Slack', what: 'host', count: 9, end: `${'x\n'.repeat(100_000)}rm` }]);
    expect(found?.text.length).toBeLessThan(200);
    expect(found?.text).toMatch(/x rm"\.$/);
  });
  test('targets that the card leaves out', () => {
    expect(findLeftTargets(['a', 'b', 'c', 'prod-db'], 2)[0]?.text).toBe(
      '2 of the 4 targets are not on the card; the last of them is "prod-db".',
    );
    expect(findLeftTargets(['a'], 3)).toEqual([]);
  });
});
