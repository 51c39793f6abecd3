import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/kernel/canonical.ts';
import { compileExpression, makeScope } from '../../../src/model/expression/expression.ts';
import { toCel } from '../../../src/model/expression/values.ts';
import { mostElements, shareWork } from '../../../src/model/expression/work.ts';

/** What one evaluation may do is counted, never timed: the error of the budget arises or it does not. */

const open = makeScope<{ body: Json }>({
  name: 'open',
  variables: { body: 'dyn' },
  open: true,
  bind: given => ({ body: toCel(given.body) }),
});

function run(text: string, body: Json): Json {
  return compileExpression(text, open, 'json').evaluate({ body });
}

const many = (count: number, value: Json = 'ab') => Array.from({ length: count }, () => value);
const counted = (count: number) => Array.from({ length: count }, (_, n) => n);
const long = 'a'.repeat(65_000);
const over = /go(es)? through more than/;

describe('the work of one evaluation is bounded', () => {
  it.each<[string, Json]>([
    ['body.h.exists(h, body.m.contains(h))', { h: many(4000), m: long }],
    ['body.h.exists(h, body.m.indexOf(h) > 0)', { h: many(4000), m: long }],
    ['body.h.exists(h, body.m.lastIndexOf(h) > 0)', { h: many(4000), m: long }],
    ['body.h.exists(h, body.m.split(h) == [])', { h: many(4000), m: long }],
    ['body.h.exists(h, body.m.replace(h, "") == "")', { h: many(4000), m: long }],
    ['body.a.all(x, size(body.m) > 0)', { a: counted(3000), m: long }],
    ['body.a.all(x, body.m.size() > 0)', { a: counted(3000), m: long }],
    ['body.a.all(x, body.m.substring(1, 2) == "a")', { a: counted(3000), m: long }],
    ['body.a.all(x, body.m.charAt(1) == "a")', { a: counted(3000), m: long }],
    ['body.a.all(x, body.m.trim() != "b")', { a: counted(3000), m: long }],
    ['body.a.all(x, body.m.upperAscii() != "b")', { a: counted(3000), m: long }],
    ['body.a.all(x, size(bytes(body.m)) > 0)', { a: counted(3000), m: long }],
    ['body.a.all(x, hostOf(body.m) != "b")', { a: counted(3000), m: long }],
    ['body.a.all(x, body.m <= body.n)', { a: counted(3000), m: long, n: `${long.slice(1)}a` }],
    ['body.a.all(x, body.m == body.n)', { a: counted(30_000), m: long, n: `${long.slice(1)}a` }],
    ['body.a.all(x, !re(body.m, "[a-z]+foo"))', { a: many(3000), m: long }],
    ['body.all(x, re("x", x) || true)', Array.from({ length: 3000 }, (_, n) => `[a-z]+foo(bar|baz)*${n}`)],
    ['re(body.m, body.p)', { m: 'abc'.repeat(1000), p: '(a|b|c)*a(a|b|c){200}[d-z]' }],
    ['re(body, "error.{0,100}timeout")', 'error '.repeat(10_000)],
    ['re("x", body)', '\\pL'.repeat(300)],
    ['re("x", body)', `(?i)${'[à-\\x{ffff}]'.repeat(50)}`],
    ['body.all(x, timestamp("2026-01-01T00:00:00Z").getHours("Europe/Berlin") >= 0)', counted(50_000)],
    ['body.all(x, timestamp(x).getHours() >= 0)', many(50_000, '2026-01-01T00:00:00Z')],
    [
      'body.all(x, inWindow(timestamp(x), "Fri 16:00 - Mon 08:00", "UTC") || true)',
      many(50_000, '2026-01-01T00:00:00Z'),
    ],
    ['body.all(x, "%.2f".format([1.5]) != "")', counted(50_000)],
    ['body.all(x, "%s".format([body]) != "")', counted(5000)],
    ['body.a.all(x, body.a == body.b)', { a: counted(5000), b: counted(5000) }],
    [
      'body.a.all(x, body.a.exists(y, false) || body.o.all(k, false) || true)',
      { a: counted(2000), o: Object.fromEntries(counted(2000).map(n => [`k${n}`, n])) },
    ],
    [`body.all(x, ${many(50, 'x >= 0').join(' && ')})`, counted(50_000)],
    ['body.a.contains(body.b)', { a: 'a'.repeat(500_000), b: `${'a'.repeat(50_000)}b${'a'.repeat(50_000)}` }],
    ['body.map(x, body)', counted(2000)],
  ])('%s', (text, body) => {
    expect(() => run(text, body)).toThrow(over);
  });

  it('is not used up by what people write', () => {
    expect(
      run('body.exists(x, x.contains("needle"))', many(1000, 'a haystack of some hundred letters '.repeat(10))),
    ).toBe(false);
    expect(run('re(body, "error: [a-z ]+ failed")', 'line of a log\n'.repeat(20_000))).toBe(false);
    expect(run('body.contains("out of memory")', 'line of a log\n'.repeat(50_000))).toBe(false);
    expect(run('size(body)', 'line of a log\n'.repeat(50_000))).toBe(700_000);
    expect(run('body.filter(x, x > 10).map(x, x * 2).size()', counted(20_000))).toBe(19_989);
    expect(run('body == body', counted(50_000))).toBe(true);
    expect(run('body.all(x, x in body)', counted(1000))).toBe(true);
    const keys = Object.fromEntries(counted(5000).map(n => [`k${n}`, n]));
    expect(run('body.all(key, key in body)', keys)).toBe(true);
    expect(run('body', counted(100_000))).toHaveLength(100_000);
    expect(run('body.all(x, timestamp(x).getHours("Europe/Berlin") == 1)', many(1000, '2026-01-01T00:00:00Z'))).toBe(
      true,
    );
    expect(run('re(body[0], body[1])', ['web-1.example.org', '^web-[0-9]{1,3}\\.'])).toBe(true);
  });

  it('is an error also where the expression would go on', () => {
    expect(() => run('body.h.exists(h, body.m.contains(h)) || true', { h: many(4000), m: long })).toThrow(over);
  });
});

describe('evaluations that share work', () => {
  it('are bounded together, and what comes later has a budget of its own', () => {
    const one = () => run('body.all(x, x >= 0)', counted(60_000));
    let done = 0;
    expect(() =>
      shareWork(() => {
        for (; done < 100; done++) one();
      }),
    ).toThrow(/the mappings of one delivery go through more than/);
    expect(done).toBeGreaterThan(1);
    expect(done * 60_000).toBeLessThan(4 * mostElements);
    expect(one()).toBe(true);
    expect(shareWork(one)).toBe(true);
  });
});
