import { describe, expect, test } from 'vitest';
import { compileSigma, formats } from '../../../../src/model/records/records.ts';
import { type Fields, json, options, recordOf, rule } from './place.ts';

const compile = (...documents: unknown[]) => compileSigma(documents, options(), json);

function matches(detection: unknown, fields: Fields): boolean | undefined {
  const { rules, problems } = compile(rule(detection));
  expect(problems).toEqual([]);
  return rules[0]?.matches(recordOf(fields));
}

const faultsOf = (...documents: unknown[]) =>
  compile(...documents).problems.map(({ fault, document }) => ({
    document,
    at: fault.at.join('.'),
    code: fault.code,
    message: fault.message,
  }));

describe('what the specification says about escapes', () => {
  test.each([
    ['a\\b', 'a\\b', true],
    ['a\\\\b', 'a\\b', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ax', false],
    ['a\\\\*', 'a\\anything', true],
    ['a\\\\\\*', 'a\\*', true],
    ['a\\\\\\*', 'a\\x', false],
    ['a\\\\\\b', 'a\\\\b', true],
    ['a\\\\\\\\b', 'a\\\\b', true],
    ['prog?.exe', 'PROGA.EXE', true],
    ['prog?.exe', 'prog.exe', false],
  ])('%s and %s: %s', (pattern, text, expected) => {
    expect(matches({ s: { f: pattern }, condition: 's' }, { f: text })).toBe(expected);
  });
});

test('networks, of both versions', () => {
  const detection = { s: { ip: null }, n: { 'ip|cidr': ['10.0.0.0/8', '2001:db8::/32'] }, condition: 'n and not s' };
  expect(['10.1.2.3', '2001:db8::1', '11.0.0.1', 'no address', 5].map(ip => matches(detection, { ip }))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('fields have other names here, also within maps, and a logsource has a condition', () => {
  const given = options({
    fields: { User: 'data.user', Host: 'host' },
    logsources: [{ product: 'linux', service: 'sshd', where: 'record.app == "sshd"' }],
    by: ['User', 'Host'],
  });
  const { rules } = compileSigma([rule({ s: { User: 'root' }, condition: 's' })], given, json);
  const [found] = rules;
  const record = recordOf({ app: 'sshd', data: { user: 'Root' }, host: 'web-1' });
  expect(found?.matches(record)).toBe(true);
  expect(found?.keyOf(record)).toEqual(['Root', 'web-1']);
  expect(found?.keys).toEqual(['User', 'Host']);
  expect(found?.matches(recordOf({ app: 'su', data: { user: 'root' } }))).toBe(false);
});

test('what a rule says about itself', () => {
  const { rules } = compile(
    rule(
      { s: { a: 1 }, condition: 's' },
      {
        title: 'Login as root',
        id: '00000000-0000-4000-8000-000000000001',
        level: 'high',
        tags: ['attack.initial-access', 'attack.t1078', 'cve.2024-1'],
        references: ['https://example.com/why', 'a book', 'javascript:alert(1)'],
        date: '2026-11-29',
        author: 'ann',
      },
    ),
  );
  expect(rules[0]).toMatchObject({
    name: '00000000-0000-4000-8000-000000000001',
    title: 'Login as root',
    severity: 'error',
    labels: { sigma: 'Login as root', attack: 'initial-access, t1078', tags: 'cve.2024-1' },
    links: [{ label: 'example.com', url: 'https://example.com/why' }],
    window: { kind: 'each', as: 'alert' },
  });
  const levels = ['informational', 'low', 'medium', 'high', 'critical', undefined].map(level =>
    compile(rule({ s: { a: 1 }, condition: 's' }, { level })).rules.map(({ severity, window }) => [
      severity,
      window.kind === 'each' && window.as,
    ]),
  );
  expect(levels.flat()).toEqual([
    ['info', 'notice'],
    ['info', 'alert'],
    ['warning', 'alert'],
    ['error', 'alert'],
    ['critical', 'alert'],
    ['warning', 'alert'],
  ]);
});

describe('counting', () => {
  test.each([
    ['s | count() > 5', { kind: 'count', atLeast: 6, within: 600_000 }, []],
    ['s | count() by user >= 5', { kind: 'count', atLeast: 5, within: 600_000 }, ['user']],
    ['s | count(ip) by user, c.d > 1', { kind: 'distinct', atLeast: 2, within: 600_000 }, ['user', 'c_d']],
  ])('%s', (condition, window, keys) => {
    const { rules, problems } = compile(rule({ s: { a: 1 }, timeframe: '10m', condition }));
    expect(problems).toEqual([]);
    expect(rules[0]).toMatchObject({ window, keys });
  });

  const base = rule({ s: { a: 1 }, condition: 's' }, { title: 'one', name: 'one', id: 'id-1' });
  const correlation = (given: object, more: object = {}) => ({
    title: 'many',
    level: 'critical',
    correlation: {
      type: 'event_count',
      rules: ['one'],
      'group-by': ['user'],
      timespan: '1h',
      condition: { gte: 3 },
      ...given,
    },
    ...more,
  });

  test('a correlation counts what its rules match, which make no alerts of their own', () => {
    const { rules, problems } = compile(
      correlation({ rules: ['id-1', 'two'] }),
      base,
      rule({ s: { a: 2 }, condition: 's' }, { title: 'two', name: 'two' }),
    );
    expect(problems).toEqual([]);
    expect(rules).toMatchObject([
      { title: 'many', severity: 'critical', keys: ['user'], window: { kind: 'count', atLeast: 3, within: 3_600_000 } },
    ]);
    expect([1, 2, 3].map(a => rules[0]?.matches(recordOf({ a })))).toEqual([true, true, false]);
  });

  test('with generate they do, and values are counted by their field', () => {
    const { rules } = compile(
      base,
      correlation({ type: 'value_count', generate: true, condition: { field: 'ip', gt: 3 } }),
    );
    expect(rules.map(({ title }) => title)).toEqual(['one', 'many']);
    expect(rules[1]).toMatchObject({ window: { kind: 'distinct', atLeast: 4 } });
  });

  test.each([
    ['temporal is not supported', correlation({ type: 'temporal' }), 'correlation.type', 'sigma-unsupported'],
    ['aliases', correlation({ aliases: {} }), 'correlation.aliases', 'sigma-unsupported'],
    ['lte', correlation({ condition: { lte: 3 } }), 'correlation.condition', 'sigma-unsupported'],
    ['a range', correlation({ condition: { gte: 3, lte: 5 } }), 'correlation.condition', 'sigma-unsupported'],
    ['no such rule', correlation({ rules: ['one', 'nobody'] }), 'correlation.rules.1', 'sigma-invalid'],
    ['no field', correlation({ type: 'value_count' }), 'correlation.condition', 'sigma-invalid'],
    ['a month', correlation({ timespan: '30d' }), 'correlation.timespan', 'sigma-unsupported'],
  ])('refused: %s', (_title, document, at, code) => {
    expect(faultsOf(base, document)).toMatchObject([{ document: 1, at, code }]);
  });
});

describe('refused by name', () => {
  test.each([
    [
      { s: { 'a|base64offset|contains': 'x' }, condition: 's' },
      'detection.s.a|base64offset|contains',
      'sigma-unsupported',
      '`base64offset`',
    ],
    [{ s: { 'a|expand': '%x%' }, condition: 's' }, 'detection.s.a|expand', 'sigma-unsupported', '`expand`'],
    [{ s: { 'a|re|contains': 'x' }, condition: 's' }, 'detection.s.a|re|contains', 'sigma-unsupported', 'together'],
    [{ s: { 'a|re': ['x', '(?=y)'] }, condition: 's' }, 'detection.s.a|re.1', 'sigma-unsupported', 'linear time'],
    [{ s: { 'a|all': 'x' }, condition: 's' }, 'detection.s.a|all', 'sigma-invalid', 'at least two'],
    [{ s: { 'a|gt': 'x' }, condition: 's' }, 'detection.s.a|gt', 'sigma-invalid', 'a number'],
    [{ s: { 'a|cidr': '10.0.0.0/40' }, condition: 's' }, 'detection.s.a|cidr', 'sigma-invalid', 'no network'],
    [{ s: { a: { b: 1 } }, condition: 's' }, 'detection.s.a', 'sigma-unsupported', 'a value is'],
    [{ s: {}, condition: 's' }, 'detection.s', 'sigma-invalid', 'empty'],
    [{ s: { a: 1 }, condition: 'sel' }, 'detection.condition', 'sigma-invalid', 'there is no `sel`'],
    [{ s: { a: 1 }, condition: '(s' }, 'detection.condition', 'sigma-invalid', 'not closed'],
    [{ s: { a: 1 }, condition: 's s' }, 'detection.condition', 'sigma-invalid', 'not expected'],
    [{ s: { a: 1 }, condition: '2 of s*' }, 'detection.condition', 'sigma-unsupported', '`2 of`'],
    [{ s: { a: 1 }, condition: '1 of t*' }, 'detection.condition', 'sigma-invalid', '`t*`'],
    [{ s: { a: 1 }, condition: 's & s' }, 'detection.condition', 'sigma-unsupported', '`&`'],
    [
      { s: { a: 1 }, condition: `${'('.repeat(200)}s${')'.repeat(200)}` },
      'detection.condition',
      'sigma-invalid',
      'too deeply',
    ],
    [{ s: { a: 1 }, condition: 's | near t', timeframe: '5m' }, 'detection.condition', 'sigma-unsupported', '`| near`'],
    [
      { s: { a: 1 }, condition: 's | count() < 5', timeframe: '5m' },
      'detection.condition',
      'sigma-unsupported',
      'count',
    ],
    [{ s: { a: 1 }, condition: 's | count() > 5' }, 'detection.condition', 'sigma-invalid', 'timeframe'],
    [{ s: { a: 1 }, condition: ['s', 5] }, 'detection.condition.1', 'sigma-invalid', 'a text'],
    [{ condition: 's' }, 'detection', 'sigma-invalid', '0 names'],
  ])('%j', (detection, at, code, message) => {
    expect(faultsOf(rule(detection))).toMatchObject([{ at, code, message: expect.stringContaining(message) }]);
  });

  test.each([
    [{ action: 'global' }, 'action'],
    [{ title: 'x', filter: {} }, 'filter'],
    [{ title: '' }, 'title'],
    [{ title: 'x', level: 'huge' }, 'level'],
    [{ title: 'x', logsource: { vendor: 'x' } }, 'logsource.vendor'],
    ['text', ''],
  ])('the document %j', (document, at) => {
    expect(faultsOf(document)).toMatchObject([{ at }]);
  });
});

test('a rule of other records is left out with a warning, and one wrong rule leaves the others', () => {
  const other = rule({ s: { a: 1 }, condition: 's' }, { title: 'other', logsource: { product: 'windows' } });
  const fine = rule(
    { s: { a: 1 }, condition: 's' },
    { title: 'fine', logsource: { product: 'linux', service: 'sshd' } },
  );
  const { rules, problems } = compile(other, rule(null), fine, fine);
  expect(rules.map(({ title }) => title)).toEqual(['fine', 'fine']);
  expect(problems.map(({ document, isError }) => [document, isError]).sort()).toEqual([
    [0, false],
    [1, true],
    [3, true],
  ]);
});

test('a field to group by that is too deep to be written fails no batch', () => {
  const { rules } = compileSigma([rule({ s: { a: 1 }, condition: 's' })], options({ by: ['user', 'a'] }), json);
  const user = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
  expect(rules[0]?.keyOf({ ...recordOf({ a: 1 }), get: name => (name === 'user' ? user : 1) })).toEqual(['', '1']);
});

test('a field that no record of the format can have is refused, but not in rules of other records', () => {
  const flow = formats['vpc-flow'] ?? json;
  const given = options({ fields: { SourceIp: 'srcaddr' } });
  const faults = (detection: object, more: object = {}) =>
    compileSigma([rule({ s: { SourceIp: 'x' }, condition: 's', ...detection }, more)], given, flow).problems;
  expect(faults({})).toEqual([]);
  expect(faults({ s: { DestinationPort: 22 } })).toMatchObject([
    { isError: true, fault: { at: ['detection', 's', 'DestinationPort'], given: 'DestinationPort' } },
  ]);
  expect(faults({ s: { srcadr: 'x' } })).toMatchObject([
    { fault: { message: 'no record has a field `srcadr`; did you mean srcaddr?' } },
  ]);
  expect(faults({ condition: 's | count() by Computer > 3', timeframe: '5m' })).toMatchObject([
    { fault: { given: 'Computer' } },
  ]);
  expect(faults({ s: { Image: 'x' } }, { logsource: { product: 'windows' } })).toMatchObject([{ isError: false }]);
});
