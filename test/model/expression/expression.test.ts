import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/model/event.ts';
import {
  compileExpression,
  compileTemplate,
  ExpressionError,
  labelMap,
  makeScope,
} from '../../../src/model/expression/expression.ts';
import { hostOf } from '../../../src/model/expression/functions.ts';
import { compilePattern } from '../../../src/model/expression/regex.ts';
import { parseWindow } from '../../../src/model/expression/window.ts';
import { changeOf } from '../../../src/model/incoming-change.ts';

const labels = { env: 'staging', instance: 'web-1:9100', note: '${{ labels.env }} ${env}' };

function eventWith(more: Record<string, string> = {}): Event {
  const at = Date.UTC(2026, 0, 15, 12);
  return {
    id: 'evt_1',
    source: 'alertmanager',
    receivedAt: at,
    raw: null,
    trusted: true,
    body: {
      kind: 'alert',
      title: 'Disk full',
      labels: { ...labels, ...more },
      links: [],
      occurredAt: at,
      state: 'firing',
      fingerprint: 'f1',
      severity: 'critical',
      annotations: { summary: 'full' },
      startsAt: at - 60_000,
      endsAt: null,
    },
  };
}

const facts = { event: eventWith(), alert: null };
const run = (text: string) => compileExpression(text, 'event', 'json').evaluate(facts);

function faultOf(text: string, scope: 'event' | 'policy' = 'event'): ExpressionError {
  try {
    compileExpression(text, scope, 'json');
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`${text} compiled`);
}

const body = makeScope<{ body: unknown }>({
  name: 'body',
  variables: { body: 'dyn' },
  open: true,
  bind: given => given,
});

describe('what an expression sees', () => {
  it.each([
    ['labels.env', 'staging'],
    ['event.labels.env', 'staging'],
    ['labels["env"]', 'staging'],
    ['severity + " " + state + " " + source + " " + title', 'critical firing alertmanager Disk full'],
    ['annotations.summary', 'full'],
    ['event.trusted', true],
    ['alert.state', 'none'],
    ['alert.labels.env', ''],
    ['event.receivedAt - event.startsAt == duration("1m")', true],
    ['labels.exists(name, labels[name] == "staging")', true],
    ['size(labels)', 3],
    ['[1, 2].map(n, n * 2)', [2, 4]],
    ['{"a": 1.5}', { a: 1.5 }],
    ['hostOf(labels.instance)', 'web-1'],
    ['event.change.action + event.change.actor.name + event.change.resource.id + event.change.outcome', ''],
    [
      'event.change.before.digest == "" && !("x" in event.change.after.facts) && event.change.after.facts.x == ""',
      true,
    ],
  ])('%s', (text, expected) => {
    expect(run(text)).toEqual(expected);
  });

  it('reads a label that is not there as the empty text, whatever it is called and however it is asked', () => {
    const ask = (name: string) => [`labels[${JSON.stringify(name)}]`, `event.labels[${JSON.stringify(name)}]`];
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/), fc.string({ maxLength: 20 }), (name, value) => {
        const given = { event: eventWith(), alert: null };
        const expected = (labels as Record<string, string>)[name] ?? '';
        for (const text of ask(name)) expect(compileExpression(text, 'event', 'text').evaluate(given)).toBe(expected);
        const with_ = { event: eventWith({ [name]: value }), alert: null };
        for (const text of ask(name)) expect(compileExpression(text, 'event', 'text').evaluate(with_)).toBe(value);
      }),
      { numRuns: 60 },
    );
    for (const text of [
      'labels.nowhere == ""',
      'labels.constructor == ""',
      'event.labels.toString == ""',
      '!("nowhere" in labels)',
      '"env" in labels && "env" in event.labels',
      'labels.all(name, !("nowhere" in labels) && name in labels)',
    ])
      expect(run(text)).toBe(true);
  });

  it('shows the alert where there is no event, and empty texts where there is neither', () => {
    const both = compileExpression('event.kind + ":" + event.labels.env', 'route', 'text');
    expect(both.evaluate({ event: null, alert: null })).toBe('none:');
  });

  it('keeps a value that looks like code as the text that it is', () => {
    expect(run('labels.note')).toBe(labels.note);
    expect(compileTemplate('<${{ labels.note }}>', 'event').evaluate(facts)).toBe(`<${labels.note}>`);
  });
});

describe('a change', () => {
  const change = changeOf({
    title: 'dana deployed',
    labels: {},
    occurredAt: 0,
    actor: { name: 'dana', id: 'u1', type: 'User' },
    action: 'deploy',
    resource: { type: 'environment', id: 'acme/shop:production', name: 'production' },
    before: { digest: 'aaa' },
    after: { facts: { image: 'shop:2' } },
    account: 'acme',
    environment: 'production',
    outcome: { error: 'refused' },
    changeId: 'deployment/9',
  });
  it.each([
    ['[event.change.actor.name, event.change.actor.id, event.change.actor.type]', ['dana', 'u1', 'User']],
    [
      '[event.change.resource.type, event.change.resource.id, event.change.resource.name]',
      ['environment', 'acme/shop:production', 'production'],
    ],
    ['[event.change.before.digest, event.change.after.digest]', ['aaa', '']],
    ['event.change.after.facts.image + event.change.before.facts.image', 'shop:2'],
    ['[event.change.account, event.change.environment, event.change.id]', ['acme', 'production', 'deployment/9']],
    [
      '[event.kind, event.change.action, event.change.outcome, event.change.error]',
      ['change', 'deploy', 'failure', 'refused'],
    ],
  ])('%s', (text, expected) => {
    expect(
      compileExpression(text, 'event', 'json').evaluate({ event: { ...facts.event, body: change }, alert: null }),
    ).toEqual(expected);
  });
});

describe('what is refused when it is compiled', () => {
  it.each([
    ['event.change.outcom == "x"', 13, 'outcome'],
    ['event.change.actor.nam == "x"', 19, 'name'],
    ['event.change.after.fact.image', 19, 'facts'],
    ['event.lables.env == "x"', 6, 'labels'],
    ['lables.env == "x"', 0, 'labels'],
    ['title == "a" && sevrity == "b"', 16, 'severity'],
    ['hostof(title) == ""', 0, 'hostOf'],
    ['alert.fingerprnt', 6, 'fingerprint'],
  ])('%s names the place and the nearest word', (text, offset, nearest) => {
    const fault = faultOf(text);
    expect([fault.offset, fault.nearest]).toEqual([offset, nearest]);
    expect(fault.code).toBe('expression-invalid');
  });

  it.each([
    ['title.matches("(a+)+$")', /matches\(\)/],
    ['labels.exists(l, labels[l].matches("x"))', /matches\(\)/],
    ['re(title, "(a")', /missing closing/],
    ['re(title, "(?=a)")', /look-around/],
    ['re(title, "(a)\\\\1")', /back-references/],
    ['re(title, "((((a{100}){100}){100}){100}){100}")', /repeat|large/],
    ['re(1, "a")', /int/],
    ['inWindow(event.receivedAt, "Frii 16:00 - Mon 08:00", "UTC")', /time window/],
    ['inWindow(event.receivedAt, "Fri 16:00 - Mon 08:00", "Europe/Lodnon")', /time zone/],
    ['inWindow(event.receivedAt, title, "UTC")', /written out/],
    ['inWindow(title, "22:00 - 06:00", "UTC")', /string/],
    ['duration("10 minutes") == duration("1s")', /not a duration/],
    ['timestamp("tomorrow") == event.startsAt', /not a timestamp/],
    ['dyn(labels).env.deep == 1', /dyn\(\)/],
    ['has(labels.env)', /has\(\) says nothing about labels: a name that is missing reads as ""/],
    ['has(event.lables)', /has\(\)/],
    ['labels.env > 5', /overload/],
    ['labels.env == 5', /overload/],
    ['', /empty/],
    ['1 +', /EOF/],
    ['event.__proto__', /no field/],
    [`"${'x'.repeat(5000)}"`, /at most 4000/],
    [`${'('.repeat(500)}1${')'.repeat(500)}`, /depth|nodes/i],
    [Array.from({ length: 1500 }, () => '1').join('+'), /nodes|depth/i],
  ])('%s', (text, message) => {
    expect(faultOf(text).message).toMatch(message);
  });

  it('says what the place needs', () => {
    expect(() => compileExpression('labels.env', 'event', 'bool')).toThrow(/makes string/);
    expect(() => compileExpression('labels', 'event', 'text')).toThrow(/makes map/);
    expect(() => compileExpression('1', 'event', 'texts')).toThrow(/makes int/);
  });
});

describe('what may go wrong while it runs', () => {
  it('throws expression-failed with what happened', () => {
    expect(() => run('1 / 0')).toThrow(
      expect.objectContaining({ code: 'expression-failed', message: expect.stringContaining('zero') }),
    );
  });

  it('stops loops over loops over much data', () => {
    const nested = compileExpression('body.all(a, body.all(b, a == b || true))', body, 'bool');
    expect(nested.evaluate({ body: [1, 2, 3] })).toBe(true);
    expect(() => nested.evaluate({ body: Array.from({ length: 1000 }, (_, n) => n) })).toThrow(/more than 100000/);
    expect(nested.evaluate({ body: [1] })).toBe(true);
  });

  it('does not reach what objects inherit', () => {
    for (const text of ['body.constructor', 'body.toString', 'body.a.__proto__', 'body["__proto__"]'])
      expect(() => compileExpression(text, body, 'json').evaluate({ body: { a: {} } })).toThrow(
        /No such key|not a value/,
      );
  });
});

describe('re() is linear', () => {
  const hostile: [string, string][] = [
    ['(a+)+$', `${'a'.repeat(50_000)}!`],
    ['(a|a)*b', 'a'.repeat(50_000)],
    ['(.*)*x', 'y'.repeat(50_000)],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(50_000)],
    ['(x+x+)+y', 'x'.repeat(50_000)],
    ['([a-zA-Z0-9])(([-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}', 'a'.repeat(50_000)],
  ];
  // A backtracking engine does not come back from the first of these in the age of the universe; that they end is the test.
  it.each(hostile)('%s on 50 kB', (pattern, text) => {
    expect(compilePattern(pattern).finds(text)).toBe(false);
    const event = eventWith({ long: text });
    expect(
      compileExpression(`re(labels.long, ${JSON.stringify(pattern)})`, 'event', 'bool').evaluate({
        event,
        alert: null,
      }),
    ).toBe(false);
  });

  it('takes patterns that are computed, and tells a wrong one', () => {
    expect(run('re("web-1", "^" + "web")')).toBe(true);
    expect(() => run('re("web-1", "(" + labels.env)')).toThrow(/missing closing/);
  });

  it('matches the whole value where a pattern does, and a part where re() does', () => {
    const pattern = compilePattern('[a-z]+');
    expect([pattern.matches('abc'), pattern.matches('abc1'), pattern.finds('1abc1')]).toEqual([true, false, true]);
  });
});

describe('hostOf', () => {
  it.each([
    ['web-1:9100', 'web-1'],
    ['web-1', 'web-1'],
    ['[::1]:9100', '::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['https://user:pw@web-1.example:8443/a:b?c#d', 'web-1.example'],
    ['10.0.0.1:80', '10.0.0.1'],
    ['', ''],
  ])('%s', (address, host) => {
    expect(hostOf(address)).toBe(host);
  });
});

describe('time windows', () => {
  const at = (text: string) => Date.parse(text);
  it.each([
    ['Fri 16:00 - Mon 08:00', 'Europe/London', '2026-01-16T15:59:59Z', false],
    ['Fri 16:00 - Mon 08:00', 'Europe/London', '2026-01-16T16:00:00Z', true],
    ['Fri 16:00 - Mon 08:00', 'Europe/London', '2026-01-18T12:00:00Z', true],
    ['Fri 16:00 - Mon 08:00', 'Europe/London', '2026-01-19T07:59:00Z', true],
    ['Fri 16:00 - Mon 08:00', 'Europe/London', '2026-01-19T08:00:00Z', false],
    // In summer London is an hour ahead of UTC.
    ['Fri 16:00 - Mon 08:00', 'Europe/London', '2026-07-17T15:00:00Z', true],
    ['Fri 16:00 - Mon 08:00', 'Europe/London', '2026-07-20T07:00:00Z', false],
    // The clocks go forward on 29 March 2026 at 01:00 UTC: 01:30 local never is, 02:00 local is 01:00 UTC.
    ['01:30 - 03:00', 'Europe/London', '2026-03-29T00:59:00Z', false],
    ['01:30 - 03:00', 'Europe/London', '2026-03-29T01:00:00Z', true],
    // They go back on 25 October at 01:00 UTC: 01:15 local comes twice.
    ['01:00 - 01:30', 'Europe/London', '2026-10-25T00:15:00Z', true],
    ['01:00 - 01:30', 'Europe/London', '2026-10-25T01:15:00Z', true],
    ['22:00 - 06:00', 'UTC', '2026-01-15T23:00:00Z', true],
    ['22:00 - 06:00', 'UTC', '2026-01-15T05:59:00Z', true],
    ['22:00 - 06:00', 'UTC', '2026-01-15T06:00:00Z', false],
    ['Mon-Fri 09:00 - 17:00', 'UTC', '2026-01-16T16:59:00Z', true],
    ['Mon-Fri 09:00 - 17:00', 'UTC', '2026-01-17T12:00:00Z', false],
    ['Sat,Sun 00:00 - 24:00', 'UTC', '2026-01-18T23:59:00Z', true],
    // A night that begins on Friday reaches into Saturday.
    ['Mon-Fri 22:00 - 06:00', 'UTC', '2026-01-17T05:00:00Z', true],
    ['Mon-Fri 22:00 - 06:00', 'UTC', '2026-01-19T05:00:00Z', false],
    // A night that begins on Sunday reaches into the next week.
    ['Sun 22:00 - 06:00', 'UTC', '2026-01-19T05:00:00Z', true],
    ['friday 16:00 – monday 08:00', 'Asia/Kolkata', '2026-01-16T10:30:00Z', true],
  ])('%s in %s at %s: %s', (text, zone, time, holds) => {
    expect(parseWindow(text, zone).holds(at(time))).toBe(holds);
  });

  it.each([
    '',
    '16:00',
    'Fri - Mon',
    '25:00 - 06:00',
    'Fri 16:60 - Mon 08:00',
    'Fri-Mon-Tue 01:00 - 02:00',
    'tomorrow',
  ])('refuses "%s"', text => {
    expect(() => parseWindow(text, 'UTC')).toThrow(/time window/);
  });
});

describe('templates', () => {
  const evaluate = (text: string) => compileTemplate(text, 'event').evaluate(facts);
  it.each([
    ['plain', 'plain'],
    ['${{ event.trusted }}', true],
    ['${{ size(labels) }}', 3],
    ['n=${{ size(labels) }}', 'n=3'],
    ['${{ labels.env }}/${{labels.instance}}', 'staging/web-1:9100'],
    ['$${{ labels.env }}', '${{ labels.env }}'],
    ['${{ {"a": {"b": 2}}.a.b }}', 2],
    ['${{ "}}" + \'}}\' }}', '}}}}'],
    ['${{ [1, 2] }} and ${{ null }}', '[1,2] and '],
    ['{{ labels.env }} ${env} #{x} <%= x %>', '{{ labels.env }} ${env} #{x} <%= x %>'],
  ])('%s', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });

  it('evaluates once: what a value brings is never evaluated', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('${{', '}}', ' labels.env ', '$', '{', '"', 'x'), { maxLength: 12 }),
        pieces => {
          const hostile = pieces.join('');
          const given = { event: eventWith({ hostile }), alert: null };
          expect(compileTemplate('<${{ labels.hostile }}>', 'event').evaluate(given)).toBe(`<${hostile}>`);
        },
      ),
    );
  });

  it('tells where in the whole text', () => {
    try {
      compileTemplate('abc ${{ title }} ${{ titel }}', 'event');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ offset: 21, nearest: 'title' });
    }
    expect(() => compileTemplate('abc ${{ title }', 'event')).toThrow(/not closed/);
  });
});

describe('labelMap', () => {
  it('is made once for the same labels', () => {
    const given = { a: '1' };
    expect(labelMap(given)).toBe(labelMap(given));
  });
});
