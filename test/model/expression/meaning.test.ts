import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/kernel/canonical.ts';
import { compileExpression, ExpressionError, labelMap, makeScope } from '../../../src/model/expression/expression.ts';
import { parseText, planParsed } from '../../../src/model/expression/program.ts';
import { scopes } from '../../../src/model/expression/scopes.ts';
import { toCel } from '../../../src/model/expression/values.ts';

const open = makeScope<{ body: Json; labels: Record<string, string> }>({
  name: 'open',
  variables: { body: 'dyn', labels: 'map<string, string>' },
  open: true,
  bind: given => ({ body: toCel(given.body), labels: labelMap(given.labels) }),
});

function run(text: string, body: Json = null, labels: Record<string, string> = {}): Json {
  return compileExpression(text, open, 'json').evaluate({ body, labels });
}

function faultOf(text: string): ExpressionError {
  try {
    compileExpression(text, open, 'json');
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`${text} compiled`);
}

const badNumbers = ['', ' 1', '1 ', '0b1', '0x1F', '1_000', '١', 'abc', '--1', '99999999999999999999'];

describe('what is no number is an error', () => {
  it.each(badNumbers)('int(%j), written out and computed', text => {
    expect(faultOf(`int(${JSON.stringify(text)})`).message).toMatch(/is not a whole number|64 bits/);
    expect(() => run('int(body)', text)).toThrow(/is not a whole number|64 bits/);
    expect(() => run('uint(body)', text)).toThrow(/is not a whole number|64 bits/);
  });

  it.each(['', ' 1', '0x1F', '1,5', 'abc', '1e400', 'Infinity!'])('double(%j)', text => {
    expect(faultOf(`double(${JSON.stringify(text)})`).message).toMatch(/is not a number|fit/);
    expect(() => run('double(body)', text)).toThrow(/is not a number|fit/);
  });

  it('an integer that is one is read', () => {
    expect(run('[int("-42"), int("007"), int("+5"), int(uint("42")), int("9007199254740991")]')).toEqual([
      -42, 7, 5, 42, 9007199254740991,
    ]);
    expect(run('[double("1e3"), double(".5"), double("-2.")]')).toEqual([1000, 0.5, -2]);
  });

  it('says what is allowed, where, and what was given', () => {
    const fault = faultOf('size(labels) > 0 && int("0b1") == 1');
    expect([fault.offset, fault.given, fault.allowed]).toEqual([24, '"0b1"', 'decimal digits such as "42"']);
  });

  it('a label that is missing is no number', () => {
    expect(() => run('int(labels.replicas) <= 3')).toThrow(/"" is not a whole number/);
    expect(run('int(labels.replicas) <= 3', null, { replicas: '2' })).toBe(true);
    expect(run('"replicas" in labels && int(labels.replicas) <= 3')).toBe(false);
  });
});

const badTimes = [
  '2026-1-1',
  '2026-01-01',
  '2026-01-01T00:00:00',
  '2026-01-01 00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:00:60Z',
  '2026-01-01T00:00:00+25:00',
  '2026-01-01T00:00:00+0100',
  '0000-01-01T00:00:00Z',
  'Thu, 15 Jan 2026 12:00:00 GMT',
  '1768478400',
  '',
];

describe('what is no time is an error', () => {
  it.each(badTimes)('timestamp(%j)', text => {
    expect(faultOf(`timestamp(${JSON.stringify(text)})`).message).toMatch(/not a timestamp|between the years/);
    expect(() => run('timestamp(body)', text)).toThrow(/not a timestamp|between the years/);
  });

  it.each(['', '10', '10 minutes', '1d', '1h 30m', '1.5.5s', 'm', '-'])('duration(%j)', text => {
    expect(faultOf(`duration(${JSON.stringify(text)})`).message).toMatch(/not a duration/);
    expect(() => run('duration(body)', text)).toThrow(/not a duration/);
  });

  it('a time with a zone and a duration with units are read', () => {
    expect(run('timestamp("2026-01-01T01:30:00.5+01:00")')).toBe('2026-01-01T00:30:00.500Z');
    expect(run('timestamp("2024-02-29T23:59:59Z")')).toBe('2024-02-29T23:59:59.000Z');
    expect(run('timestamp(body)', 1_768_478_400)).toBe('2026-01-15T12:00:00.000Z');
    expect(run('duration("1h30m") + duration("-1.5s") == duration("5398500ms")')).toBe(true);
    expect(() => run('timestamp(body)', 1.5)).toThrow(/whole seconds/);
  });
});

describe('numbers of JSON', () => {
  it.each<[string, Json, Json]>([
    ['body.used / body.total > 0.9', { used: 95, total: 100 }, true],
    ['body.used / body.total', { used: 1, total: 3 }, 1 / 3],
    ['body.count == 3', { count: 3 }, true],
    ['body.count > 2 && body.count < 3.5 && body.count >= 3', { count: 3 }, true],
    ['int(body.count) % 2', { count: 3 }, 1],
    ['body.count + 1', { count: 3 }, 4],
    ['2 * body.count - 1', { count: 3 }, 5],
    ['["a", "b"][body.i]', { i: 1 }, 'b'],
    ['body.list[body.i]', { list: ['a', 'b'], i: 1 }, 'b'],
    ['body.count in [1, 2, 3]', { count: 3 }, true],
    ['string(body.count)', { count: 1_234_567 }, '1234567'],
    ['"id " + string(body.id)', { id: '12345678901234567890' }, 'id 12345678901234567890'],
    ['{1: "a"}[body.key]', { key: 1 }, 'a'],
    ['{1: "a"}[1.0]', null, 'a'],
    ['1 == 1.0', null, true],
    ['1.0 == 1u', null, true],
    ['7 / 2', null, 3],
    ['[1, 2.0] == [1.0, 2]', null, true],
  ])('%s of %j is %j', (text, body, expected) => {
    expect(run(text, body)).toEqual(expected);
  });

  it('a rest needs whole numbers, and the error says how', () => {
    expect(() => run('body.count % 2', { count: 3 })).toThrow(/double % int; int\(\.\.\.\)/);
  });
});

describe('has()', () => {
  const body = { a: { b: 1 }, n: null, s: 'text', list: [{ x: 1 }] };
  it.each<[string, boolean]>([
    ['has(body.a)', true],
    ['has(body.a.b)', true],
    ['has(body.a.c)', false],
    ['has(body.missing.b)', false],
    ['has(body.missing.b.c)', false],
    ['has(body.n)', true],
    ['has(body.n.x)', false],
    ['has(body.s.x)', false],
    ['has(body.list[0].x)', true],
    ['has(body["a"].b)', true],
    ['body.list.all(item, has(item.x) && !has(item.y.z))', true],
    ['"n" in body && !("missing" in body)', true],
    ['"k" in {"k": null} && has({"k": null}.k)', true],
  ])('%s is %j', (text, expected) => {
    expect(run(text, body)).toBe(expected);
  });

  it('asks for a field', () => {
    expect(faultOf('has(body)')).toMatchObject({ message: 'has() asks for a field', allowed: 'has(body.level)' });
  });
});

const noon = 'timestamp("2026-07-01T12:30:45.678Z")';

describe('zones', () => {
  it.each([
    ['BST', 'Europe/London'],
    ['PST', 'America/Los_Angeles'],
    ['Europe/Lodnon', 'Europe/London'],
    ['CEST', 'Europe/Berlin'],
    ['GMT+2', 'Etc/GMT-2'],
  ])('%s is refused at load, with %s', (zone, nearest) => {
    for (const call of [`${noon}.getHours("${zone}")`, `inWindow(${noon}, "22:00 - 06:00", "${zone}")`]) {
      const fault = faultOf(`true && ${call} == ${call}`);
      expect(fault).toMatchObject({ nearest, given: `"${zone}"`, offset: 8 + call.indexOf(`"${zone}"`) });
      expect(fault.allowed).toMatch(/IANA/);
    }
  });

  it('that are computed are checked when they are evaluated', () => {
    expect(() => run(`${noon}.getHours(body)`, 'BST')).toThrow(/"BST" is an abbreviation.*Europe\/London/);
    expect(run(`${noon}.getHours(body)`, 'Asia/Kolkata')).toBe(18);
    expect(run(`[${noon}.getHours("EST5EDT"), ${noon}.getHours("CET"), ${noon}.getHours(body)]`, 'GMT0')).toEqual([
      8, 14, 12,
    ]);
  });

  it('may be offsets where CEL takes them, and not in a window', () => {
    expect(run(`[${noon}.getHours("+02:00"), ${noon}.getHours("-11:30"), ${noon}.getMinutes("05:45")]`)).toEqual([
      14, 1, 15,
    ]);
    expect(faultOf(`inWindow(${noon}, "22:00 - 06:00", "+02:00")`).message).toMatch(/offset/);
    expect(faultOf(`${noon}.getHours("+25:00")`).message).toMatch(/"\+25:00"/);
  });

  const clock = (at: string, zone: string) =>
    `['getFullYear','getMonth','getDate','getDayOfMonth','getDayOfWeek','getDayOfYear','getHours','getMinutes','getSeconds','getMilliseconds'].map(name => \`timestamp("${at}").\${name}(${zone})\`)`;
  // A host whose clocks change in the hour, or whose day is another, must not matter.
  const hosts = [
    'UTC',
    'Europe/London',
    'America/New_York',
    'Pacific/Kiritimati',
    'Pacific/Pago_Pago',
    'Australia/Lord_Howe',
  ];

  it('tell hours and days whatever the zone of the host is', () => {
    const times = [
      '2026-03-29T01:30:00Z',
      '2026-03-08T02:30:00Z',
      '2026-12-31T23:59:59.999Z',
      '1969-07-20T20:17:40Z',
      '2026-10-04T02:15:00Z',
    ];
    const zones = ['', '"Europe/London"', '"America/New_York"', '"Asia/Kathmandu"', '"+14:00"'];
    const lists = times.flatMap(at => zones.map(zone => clock(at, zone)));
    const program = `
      import { compileExpression } from ${JSON.stringify(fileURLToPath(new URL('../../../src/model/expression/expression.ts', import.meta.url)))};
      const texts = [${lists.join(', ')}].flat();
      const facts = { event: null, alert: null };
      process.stdout.write(JSON.stringify(texts.map(text => [text, compileExpression(text, 'route', 'json').evaluate(facts)])));`;
    const told = hosts.map(TZ => {
      const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        env: { ...process.env, TZ },
        encoding: 'utf8',
      });
      expect(child.stderr).toBe('');
      return child.stdout;
    });
    expect(JSON.parse(told[0] ?? '')).toHaveLength(lists.length * 10);
    expect(new Set(told).size).toBe(1);
    expect(told[0]).toContain('["timestamp(\\"2026-03-29T01:30:00Z\\").getHours(\\"Europe/London\\")",2]');
  }, 60_000);
});

describe('what an event brings cannot make an expression endless', () => {
  it.each([
    ['loops in loops in loops', 'body.all(a, body.all(b, body.all(c, true)))', Array.from({ length: 100 }, () => 1)],
    ['loops whose error is covered', 'body.all(a, body.all(b, true)) || true', Array.from({ length: 1000 }, () => 1)],
    ['lists of lists', 'body.map(a, body.map(b, body))', Array.from({ length: 1000 }, () => 1)],
    ['lists put together', 'body.map(a, body + body + body)', Array.from({ length: 20_000 }, () => 1)],
    ['searches in lists', 'body.all(a, !(2 in body))', Array.from({ length: 20_000 }, () => 1)],
    [
      'texts put together',
      'body.map(a, a + a).map(a, a + a + a + a)',
      Array.from({ length: 3 }, () => 'x'.repeat(2_000_000)),
    ],
    ['texts joined', 'body.map(a, body.join("-"))', Array.from({ length: 3000 }, () => 'some text')],
    ['texts replaced', 'body[0].replace("a", body[1])', ['a'.repeat(60_000), 'b'.repeat(60_000)]],
  ])('%s', (_, text, body) => {
    expect(() => run(text, body)).toThrow(/more than 100000|at most \d+/);
  });

  it('and long lists are made in one go', () => {
    const long = Array.from({ length: 90_000 }, (_, index) => index);
    expect(run('size(body.map(n, n + 1))', long)).toBe(90_000);
    expect(run('body.filter(n, n > 89997).map(n, n)', long)).toEqual([89_998, 89_999]);
    expect(run('body[0].replace("a", "bb").size()', ['a'.repeat(60_000)])).toBe(120_000);
  });
});

describe('two libraries, one meaning', () => {
  it('what the check knows and the evaluator does not is refused at load', () => {
    expect(faultOf('optional.of(1)').message).toMatch(/there is no (function|variable)/);
    expect(run('cel.bind(x, 2, x * x)')).toBe(4);
    expect(run('"abc".split("b") + b"hi".base64().split("", 1)')).toEqual(['a', 'c', 'aGk=']);
  });

  it('texts are counted in characters, and a split keeps the rest', () => {
    expect(
      run('["😀abc".substring(1), "😀abc".charAt(0), string("😀abc".indexOf("b")), string(size("😀abc"))]'),
    ).toEqual(['abc', '😀', '2', '4']);
    expect(run('"a b c".split(" ", 2)')).toEqual(['a', 'b c']);
    expect(faultOf('{0: "a", 0u: "b"}').message).toMatch(/the key 0 is there twice/);
  });

  const atoms = [
    'labels.a == "x"',
    '"x" == labels.a',
    'labels.a in ["x", "y"]',
    'labels.b.startsWith("x")',
    'labels.b != "y"',
    'body.n > 2',
    'body.n == 2.0',
    'body.n <= 1.5',
    'body.s < "y"',
    'body.missing == "x"',
    'body == "x"',
    'int(labels.a) == 1',
  ];

  it('a quick look refutes only what the evaluation finds false', () => {
    const atom = fc.constantFrom(...atoms);
    const condition = fc.array(fc.tuple(atom, fc.constantFrom(' && ', ' || ')), { minLength: 1, maxLength: 4 });
    const value = fc.constantFrom('x', 'y', '', '1');
    fc.assert(
      fc.property(condition, value, value, fc.constantFrom<Json>(1, 2, 3, 'x', null), (parts, a, b, n) => {
        const text = parts.map(([part, joint], index) => (index === 0 ? part : `${joint}${part}`)).join('');
        const bound = open.bind({ body: { n, s: a }, labels: { a, b } });
        const quick = planParsed(parseText(text));
        const slow = planParsed(parseText(text), { quick: false });
        expect(resultOf(() => quick(bound))).toBe(resultOf(() => slow(bound)));
      }),
      { numRuns: 300 },
    );
  });

  function resultOf(evaluate: () => unknown): string {
    try {
      return String(evaluate());
    } catch (error) {
      return String(error);
    }
  }

  it('every function of the reference is one of the evaluator', () => {
    for (const { name, receiverType, params } of scopes.policy.environment.getDefinitions().functions) {
      if (
        params.some(param => param.type === 'ast') ||
        /optional/i.test(`${receiverType}`) ||
        /^dyn$|hasValue|^none$|^of$/.test(name)
      )
        continue;
      const args = params.map(() => 'body').join(', ');
      const text =
        receiverType === null
          ? `${name}(${args})`
          : `${receiverType === 'StringsNamespace' ? 'strings' : 'body'}.${name}(${args})`;
      if (!/^(matches|inWindow)$/.test(name)) expect(() => planParsed(parseText(text)), text).not.toThrow();
    }
  });
});

describe('what is written beside and between', () => {
  it.each(['true // always', '// why\ntrue', 'true // a\n && true // b', 'body == "//" || true // "'])(
    '%j is read',
    text => {
      expect(run(text)).toBe(true);
    },
  );

  it('an error names no file that there is not', () => {
    for (const text of ['1 +', 'true //', '// only', 'a b', 'true // x\n )'])
      try {
        compileExpression(text, open, 'json');
      } catch (error) {
        expect((error as Error).message).not.toContain('<input>');
      }
    expect(() => parseText('1 +')).toThrow(/^found \+ but/);
  });

  it('has() of a map whose names differ says what to ask instead', () => {
    const fault = (() => {
      try {
        return compileExpression('has(params.n)', scopes.policy, 'bool');
      } catch (error) {
        return error;
      }
    })();
    expect(fault).toMatchObject({
      message: 'has() is not for params, a map: ask whether the name is in it',
      allowed: '"name" in params',
    });
    compileExpression('"n" in params', scopes.policy, 'bool');
  });

  it.each(['double(labels.n) / 2', '2 * double(labels.n)', 'size(labels) + 0.5'])(
    '%s is told how to write it',
    text => {
      expect(faultOf(text)).toMatchObject({ allowed: expect.stringContaining('double(…)') });
    },
  );

  it('texts are in the order of code points', () => {
    const texts = [
      '',
      'a',
      'ab',
      'b',
      '\uFF5E',
      '\u{1F600}',
      '\u{1F600}a',
      `${'x'.repeat(3000)}\uFF5E`,
      `${'x'.repeat(3000)}\u{1F600}`,
    ];
    const expected = (left: string, right: string) =>
      Buffer.compare(Buffer.from(left, 'utf8'), Buffer.from(right, 'utf8'));
    for (const left of texts)
      for (const right of texts) {
        const order = expected(left, right);
        const held = [order < 0, order <= 0, order > 0, order >= 0];
        expect(
          run('[body[0] < body[1], body[0] <= body[1], body[0] > body[1], body[0] >= body[1]]', [left, right]),
        ).toEqual(held);
        const written = ['<', '<=', '>', '>='].map(sign => run(`body ${sign} ${JSON.stringify(right)}`, left));
        expect(written).toEqual(held);
      }
    expect(run('"\\U0001F600" < "\\uFF5E"')).toBe(false);
  });
});
