import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/kernel/canonical.ts';
import { runDry } from '../../src/load/dry-run.ts';
import { checkFiles, createCatalogue } from '../../src/load/index.ts';
import { testFile } from '../../src/load/test-file.ts';
import type { Runbook } from '../../src/ports/runbook.ts';
import { brief, config, goodRunbook, makePlace } from './place.ts';
import { shelf } from './shelf.ts';

async function problemsOf(runbook: string, more: Record<string, string> = {}): Promise<string[]> {
  const place = await makePlace({ 'runbooks/a.yaml': runbook, ...more });
  const problems = await checkFiles(place.parts);
  await place.remove();
  return brief(problems, place.folder).map(text => text.replace('runbooks/a.yaml:', ''));
}

async function load(runbook: string, more: Record<string, string> = {}): Promise<Runbook> {
  const place = await makePlace({ 'runbooks/a.yaml': runbook, ...more });
  const catalogue = await createCatalogue(place.parts);
  await catalogue.close();
  await place.remove();
  const loaded = catalogue.current().runbooks.get('a');
  if (loaded === undefined) throw new Error('runbook a is not there');
  return loaded;
}

const assume = (steps: Json) => testFile.parse({ cases: [{ name: 'x', steps, expect: {} }] }).cases[0]?.steps ?? {};
const dry = (runbook: Runbook, params: Record<string, Json>, steps: Json = {}) =>
  runDry(runbook, runbook.params.parse(params), null, assume(steps), shelf);

const head = 'title: A\nrisk: low\n';

describe('what is wrong in a runbook is told with its place', () => {
  it.each([
    ['titel: A\nrisk: low\nsteps: [{ id: a, exec: [a] }]', ['1:1 title is missing', '1:1 there is no "titel" here']],
    [`${head}steps: []`, [/^3:8 steps: Too small/]],
    ['title: A\nrisk: hihg\nsteps: [{ id: a, exec: [a] }]', ['2:7 risk: this is not one of the values it may have']],
    [`${head}steps: [{ id: a, exc: [a] }]`, ['3:18 there is no "exc" in a step']],
    [`${head}steps: [{ id: a, exec: [a], wait: 1s }]`, ['3:9 a step is of one type; this is exec and wait']],
    [`${head}steps: [{ id: a }]`, ['3:9 steps[0] says nothing to do']],
    [`${head}steps: [{ exec: [a] }]`, ['3:9 steps[0].id is missing']],
    [`${head}steps: [{ id: A1, exec: [a] }]`, [/^3:15 steps\[0\]\.id: a step id is/]],
    [`${head}steps: [{ id: a, exec: [a] }, { id: a, exec: [a] }]`, ['3:37 the step id "a" is there twice']],
    [`${head}steps: [{ id: a, exec: [a], timeout: 5 }]`, [/^3:38 steps\[0\]\.timeout/]],
    [`${head}steps: [{ id: a, exec: [] }]`, [/^3:24 steps\[0\]\.exec/]],
    [`${head}steps: [{ id: a, exec: { argv: [a], okexit: [0] } }]`, ['3:37 there is no "okexit" in steps[0].exec']],
    [`${head}steps: [{ id: a, http: { url: x, method: GTE } }]`, [/^3:42 steps\[0\]\.http\.method/]],
    [
      `${head}steps: [{ id: a, exec: [a], if: "stesp.b.stdout == 1" }]`,
      ['3:34 steps[0].if: there is no variable "stesp" here'],
    ],
    [`${head}steps: [{ id: a, exec: [a], if: "\${{ true }}" }]`, ['3:33 a condition is an expression already']],
    [
      `${head}steps: [{ id: a, exec: [a, "x \${{ params.b }}"] }]`,
      ['3:42 steps[0].exec[1]: there is no field "b" here'],
    ],
    // Only steps before it are known.
    [
      `${head}steps: [{ id: a, exec: ["\${{ steps.b.stdout }}"] }, { id: b, exec: [b] }]`,
      ['3:36 steps[0].exec[0]: there is no field "b" here'],
    ],
    [
      `${head}steps: [{ id: b, exec: [b] }, { id: a, exec: ["\${{ steps.b.stdot }}"] }]`,
      ['3:60 steps[1].exec[0]: there is no field "stdot" here'],
    ],
    [
      `${head}steps: [{ id: a, exec: [a, "\${{ size(run.id) }}x"], timeout: 2m, retry: { times: 0 } }]`,
      [/^3:82 steps\[0\]\.retry\.times/],
    ],
    [`${head}steps: [{ id: a, exec: [a], undo: { exce: [b] } }]`, ['3:35 undo is one step type with its input']],
    [`${head}steps: [{ id: a, parallel: [{ id: b, exec: [b] }] }]`, ['3:28 parallel takes a list of steps']],
    [
      `${head}steps: [{ id: a, timeout: 1m, parallel: [{ id: b, exec: [b] }, { id: c, exec: [c] }] }]`,
      ['3:18 timeout has no effect on parallel; give it to the steps in it'],
    ],
    [
      `${head}steps: [{ id: a, verify: { resolved: true, within: 5m } }]`,
      ['3:38 without a trigger for alerts there is none that could resolve'],
    ],
    [
      `${head}on: [{ source: alertmanager, kind: notice }]\nsteps: [{ id: a, verify: { resolved: true, within: 5m } }]`,
      ['4:38 without a trigger for alerts there is none that could resolve'],
    ],
    [
      `${head}on: [{ source: alertmanager, kind: notices }]\nsteps: [{ id: a, exec: [a] }]`,
      ['3:36 on[0].kind: this is not one of the values it may have'],
    ],
    [
      `${head}steps: [{ id: a, approve: { ask: "?", by: sr } }]`,
      ['3:43 there is no group or person "sr" in tocsin.yaml'],
    ],
    [
      `${head}secrets: [API_TOKNE]\nsteps: [{ id: a, exec: [a] }]`,
      ['3:11 there is no secret "API_TOKNE" in tocsin.yaml'],
    ],
    [
      `${head}steps: [{ id: a, exec: { argv: [a], secrets: { T: API_TOKEN } } }]`,
      ['3:51 the runbook does not name the secret "API_TOKEN"'],
    ],
    [`${head}steps: [{ id: a, runbook: b }]`, ['3:27 there is no runbook "b"']],
    [
      `${head}params: { h: { type: strng } }\nsteps: [{ id: a, exec: ["\${{ params.h }}"] }]`,
      ['3:22 params.h.type: this is none of what it may be'],
    ],
    [`${head}params: { h: { type: string, pattern: "(" } }\nsteps: [{ id: a, exec: [a] }]`, [/^3:39 not a pattern/]],
    [
      `${head}params: { h: { type: string, pattern: "[a-z]+", default: "A" } }\nsteps: [{ id: a, exec: [a] }]`,
      ['3:58 the default does not match its pattern'],
    ],
    [
      `${head}params: { h: { type: string }, H: { type: string } }\nsteps: [{ id: a, exec: [a] }]`,
      ['3:32 "H" and "h" are the same environment variable'],
    ],
    [
      `${head}params: { n: { type: integer, default: 1, required: true } }\nsteps: [{ id: a, exec: [a] }]`,
      ['3:43 a parameter with a default is never missing'],
    ],
    [
      `${head}target: params.hots\nparams: { host: { type: string } }\nsteps: [{ id: a, exec: [a] }]`,
      ['3:16 target: there is no field "hots" here'],
    ],
    [
      `${head}on: [{ source: alertmanger }]\nsteps: [{ id: a, exec: [a] }]`,
      ['3:16 there is no source "alertmanger" in tocsin.yaml, so that this trigger never fires'],
    ],
    [
      `${head}on: [{ source: alertmanager, where: "labels.env == 5" }]\nsteps: [{ id: a, exec: [a] }]`,
      [/^3:38 on\[0\]\.where: no such overload/],
    ],
    [
      `${head}on: [{ source: alertmanager, match: { a: { re: "(" } } }]\nsteps: [{ id: a, exec: [a] }]`,
      [/^3:48 not a pattern/],
    ],
    [
      `${head}on: [{ source: alertmanager }]\nparams: { host: { type: string } }\nsteps: [{ id: a, exec: [a] }]`,
      ['3:6 nothing gives the parameter "host" a value when an event starts the runbook'],
    ],
    [
      `${head}on: [{ source: alertmanager }]\nsteps: [{ id: a, verify: { resolved: true, within: 10s } }]`,
      [/^4:52 alertmanager tells of a change up to/],
    ],
  ])('%j', async (runbook, expected) => {
    const problems = await problemsOf(runbook);
    expect(problems).toEqual(expected.map(one => (typeof one === 'string' ? one : expect.stringMatching(one))));
  });

  it.each([
    [
      'match:\n      alertname: |\n        NodeDown',
      /^6:18 on\[0\]\.match\.alertname: this value has a line end;/,
      '"NodeDown\\n"',
      '"NodeDown", on',
    ],
    ['match: { alertname: " x " }', /^5:25 .* this value begins with white space;/, '" x "', '"x", on'],
    [
      'match: { a: [ok, "x\t"] }',
      /^5:22 on\[0\]\.match\.a\[1\]: this value ends with white space;/,
      '"x\\t"',
      '"x", on',
    ],
    ['match: { a: " *x" }', /^5:17 .* begins with white space/, '" *x"', '"*x", on'],
    ['match: { a: "x\\ny" }', /^5:17 .* has a line end;/, '"x\\ny"', 'text on one line'],
    ['match: { a: "  " }', /^5:17 .* begins with white space;/, '"  "', 'text on one line'],
    ['match: { a: { re: "a\\n" } }', /^5:23 on\[0\]\.match\.a\.re: this pattern needs a line end/, '"a\\n"', '"a", on'],
    ["match: { a: { re: 'web-[0-9]+\\n' } }", /^5:23 .* needs a line end/, '"web-[0-9]+\\\\n"', '"web-[0-9]+", on'],
    ['match: { a: { re: "a|b\\n" } }', /^5:23 .* has a line end/, '"a|b\\n"', '"a|b", on'],
    ['match: { a: { re: " web.*" } }', /^5:23 .* begins with white space/, '" web.*"', '"web.*", on'],
  ])(
    '%j can match nothing that is sent: a warning with its place and what to write',
    async (match, message, given, allowed) => {
      const text = `${head}on:\n  - source: alertmanager\n    ${match}\nsteps: [{ id: a, exec: [a] }]`;
      const place = await makePlace({ 'runbooks/a.yaml': text });
      const problems = await checkFiles(place.parts);
      await place.remove();
      expect(problems).toMatchObject([{ level: 'warning', given, allowed: expect.stringContaining(allowed) }]);
      expect(brief(problems, place.folder).map(one => one.replace('runbooks/a.yaml:', ''))).toEqual([
        expect.stringMatching(message),
      ]);
    },
  );

  it.each([
    'a: "two words"',
    'a: ""',
    'a: [1.10, true]',
    "a: { re: 'a\\n?' }",
    "a: { re: 'a(\\n)?' }",
    "a: { re: 'a|b\\n' }",
    "a: { re: '[^\\n]+' }",
    "a: { re: '[a\\]\\n]+' }",
    "a: { re: 'C:\\\\new' }",
    'a: { re: " *web" }',
  ])('match: { %s } may match, so that nothing is said', async match => {
    expect(
      await problemsOf(`${head}on: [{ source: alertmanager, match: { ${match} } }]\nsteps: [{ id: a, exec: [a] }]`),
    ).toEqual([]);
  });

  it('tells everything that is wrong in all files at once', async () => {
    const place = await makePlace({
      'tocsin.yaml': `${config}peopel: {}\n`,
      'policy.yaml': 'rules:\n  - { name: a, decide: atuo }\n',
      'runbooks/a.yaml':
        'title: A\nrisk: x\nsteps:\n  - id: a\n    exc: [a]\n  - id: b\n    exec: ["${{ parms.x }}"]\n',
      'runbooks/b.yaml': 'a: 1\na: 2',
      'runbooks/c.ts': 'export default { title: 1 }\n',
    });
    const files = new Map<string, number>();
    for (const problem of await checkFiles(place.parts)) files.set(problem.file, (files.get(problem.file) ?? 0) + 1);
    await place.remove();
    expect([...files].map(([file, count]) => [file.replace(`${place.folder}/`, ''), count])).toEqual([
      ['policy.yaml', 1],
      ['runbooks/a.yaml', 3],
      ['runbooks/b.yaml', 1],
      ['runbooks/c.ts', 3],
      ['tocsin.yaml', 1],
    ]);
  });

  it('refuses runbooks that call each other in a circle, and parameters that the called one does not have', async () => {
    const calls = (name: string, params = '') => `${head}steps: [{ id: a, runbook: { name: ${name}${params} } }]`;
    expect(await problemsOf(calls('b'), { 'runbooks/b.yaml': calls('a') })).toEqual([
      expect.stringContaining('in a circle: a -> b -> a'),
      expect.stringContaining('in a circle: b -> a -> b'),
    ]);
    const called = `${head}params: { host: { type: string } }\nsteps: [{ id: a, exec: [a] }]`;
    expect(await problemsOf(calls('b', ', params: { hots: x }'), { 'runbooks/b.yaml': called })).toEqual([
      '3:27 b needs the parameter "host"',
      '3:48 b has no parameter "hots"',
    ]);
  });
});

describe('data of an event', () => {
  it('reaches a step only as a declared parameter', async () => {
    const uses = (text: string) => `${head}on: [{ source: alertmanager }]\nsteps:\n  - id: a\n    ${text}\n`;
    for (const text of [
      'exec: [a, "${{ labels.x }}"]',
      'http: { url: "http://x/${{ alert.title }}" }',
      'exec: { argv: [a], env: { A: "${{ labels.x }}" } }',
    ])
      expect(await problemsOf(uses(text))).toEqual([expect.stringContaining('only as a declared parameter')]);
    for (const text of [
      'notify: "${{ alert.title }}"',
      'exec: [a]\n    if: labels.env == "staging"',
      'approve: { ask: "${{ labels.x }}?", by: sre }',
    ])
      expect(await problemsOf(uses(text))).toEqual([]);
  });

  it('never becomes code: ${{ }} in a script is refused, with the variable to use', async () => {
    const place = await makePlace({
      'runbooks/a.yaml': `${head}params: { host: { type: string } }\nsteps:\n  - id: a\n    script: |\n      set -e\n      echo \${{ params.host }}\n`,
    });
    const [problem] = await checkFiles(place.parts);
    await place.remove();
    expect(problem).toMatchObject({ line: 8, column: 12, allowed: expect.stringContaining('$PARAM_HOST') });
    expect(await problemsOf(`${head}steps: [{ id: a, script: { run: "echo \${{ params.h }}" } }]`)).toEqual([
      expect.stringMatching(/^3:39 this is code/),
    ]);
  });

  it('stays one argument, whatever it contains', async () => {
    const runbook = await load(
      `${head}params: { host: { type: string, allowDash: true } }\nsteps: [{ id: a, exec: [echo, "\${{ params.host }}", "x\${{ params.host }}"] }]`,
    );
    for (const host of [
      '$(touch /tmp/PWNED)',
      '${{ params.host }}',
      "' || x",
      'a\nb',
      '{{7*7}}',
      '--kubeconfig=/tmp/evil',
      '🙂',
    ]) {
      const ran = await dry(runbook, { host });
      expect(ran.inputs['a']).toEqual(['echo', host, `x${host}`]);
    }
  });

  it('is bounded, typed and not an option', async () => {
    const runbook = await load(
      `${head}params:\n  t: { type: string, required: false }\n  p: { type: string, pattern: "-?[a-z]+", required: false }\n  n: { type: integer, min: 1, max: 5, required: false }\n  d: { type: number, required: false }\n  b: { type: boolean, required: false }\n  e: { type: enum, options: [x, y], required: false }\nsteps: [{ id: a, exec: [a] }]`,
    );
    const given: [Record<string, Json>, Record<string, Json> | RegExp][] = [
      [{ t: 'ok' }, { t: 'ok' }],
      [{ t: '-rf' }, /begins with "-"/],
      [{ t: 'a\0b' }, /NUL/],
      [{ t: '\ud800' }, /Unicode/],
      [{ t: 'x'.repeat(1001) }, /too long/],
      [{ t: { a: 1 } }, /not a text/],
      [{ t: 5 }, { t: '5' }],
      [{ p: '-abc' }, { p: '-abc' }],
      [{ p: 'abc;' }, /pattern/],
      [{ p: 'abc\n' }, /pattern/],
      [{ n: '3' }, { n: 3 }],
      [{ n: 6 }, /too large/],
      [{ n: '3.5' }, /whole/],
      [{ n: '0x3' }, /number/],
      [{ n: '' }, /number/],
      [{ d: '1.5' }, { d: 1.5 }],
      [{ b: 'true' }, { b: true }],
      [{ b: 'yes' }, /true or false/],
      [{ e: 'x' }, { e: 'x' }],
      [{ e: 'z' }, /options.*x, y/],
      [{ zz: 1 }, /no parameter "zz"/],
      [{ constructor: 1 }, /no parameter "constructor"/],
    ];
    for (const [params, expected] of given) {
      if (expected instanceof RegExp)
        expect(() => runbook.params.parse(params)).toThrow(
          expect.objectContaining({ code: 'params-invalid', message: expect.stringMatching(expected) }),
        );
      else expect(runbook.params.parse(params)).toEqual(expected);
    }
    expect(() => runbook.params.parse({ n: 9, e: 'z' })).toThrow(/n is too large.*e is not/);
  });
});

describe('a runbook of YAML', () => {
  it('has triggers that compute parameters from the event', async () => {
    const runbook = await load(goodRunbook);
    const [trigger] = runbook.triggers;
    const event = (labels: Record<string, string>) => ({
      event: {
        id: 'e',
        source: 'alertmanager',
        receivedAt: 0,
        raw: null,
        trusted: true,
        body: {
          kind: 'alert' as const,
          title: 't',
          labels,
          links: [],
          occurredAt: 0,
          state: 'firing' as const,
          fingerprint: 'f',
          severity: 'info' as const,
          annotations: {},
          startsAt: 0,
          endsAt: null,
        },
      },
      alert: null,
    });
    expect(trigger).toMatchObject({
      source: 'alertmanager',
      match: [{ label: 'alertname', kind: 'equals', value: 'NodeDiskFull' }],
    });
    expect(trigger?.where?.(event({ env: 'staging' }))).toBe(true);
    expect(trigger?.where?.(event({}))).toBe(true);
    expect(trigger?.where?.(event({ env: 'production' }))).toBe(false);
    const params = trigger?.params(event({ instance: 'web-1:9100' })) ?? {};
    expect(params).toEqual({ host: 'web-1' });
    expect(runbook.targets(params)).toEqual(['web-1']);
    expect(() => trigger?.params(event({}))).toThrow(/host is missing/);
    expect(() => trigger?.params(event({ instance: 'web 1; rm' }))).toThrow(/pattern/);
  });

  it('shows what will run, with these parameters, and what is computed later as what it is', async () => {
    const runbook = await load(
      `${head}params: { h: { type: string } }\nsteps:\n  - { id: a, exec: [ssh, "\${{ params.h }}"], undo: { exec: [back, "\${{ params.h }}"] } }\n  - { id: b, exec: [echo, "\${{ steps.a.stdout }}"], if: steps.a.exitCode == 0 }\n  - { id: c, parallel: [{ id: d, exec: [d] }, { id: e, wait: 5s }] }\n`,
    );
    expect(runbook.outline({ h: 'web-1' }).map(step => `${step.id}: ${step.shows}`)).toEqual([
      'a: ["ssh","web-1"]; undone by exec: ["back","web-1"]',
      'b: ["echo","${{ steps.a.stdout }}"] (only if steps.a.exitCode == 0)',
      'c/d: ["d"]',
      'c/e: 5000',
    ]);
    expect(runbook.view.steps[0]?.shows).toContain('${{ params.h }}');
  });

  it('runs in order, leaves out, goes parallel, reads outputs and hands options on', async () => {
    const runbook = await load(
      `${head}steps:\n  - { id: one, exec: [one] }\n  - { id: two, exec: [two, "\${{ steps.one.stdout }}"], if: 'steps.one.exitCode != 0' }\n  - { id: both, parallel: [{ id: left, exec: [left] }, { id: right, exec: [right, "\${{ steps.one.exitCode }}"] }] }\n  - { id: end, exec: [end, "\${{ steps.two.state }}", "\${{ steps.left.stdout }}"] }\n`,
    );
    const ran = await dry(runbook, {}, { one: { stdout: 'text', exitCode: 0 }, left: { stdout: 'L' } });
    expect(ran.because).toBeNull();
    expect(ran.steps).toEqual(['one', 'both/left', 'both/right', 'end']);
    expect(ran.skipped).toEqual(['two']);
    expect(ran.inputs['end']).toEqual(['end', 'skipped', 'L']);
    expect(ran.inputs['both/right']).toEqual(['right', '0']);
    const other = await dry(runbook, {}, { one: { stdout: 'text', exitCode: 3 } });
    expect(other.inputs['two']).toEqual(['two', 'text']);
  });

  it('reads a value as the place wants it: text in an argv, a number in a list of exit codes', async () => {
    const runbook = await load(
      `${head}params: { n: { type: integer, min: 1, max: 60 } }\nsteps:\n  - { id: a, exec: { argv: [sleep, "\${{ params.n }}"], okExit: ["\${{ params.n }}"] } }\n  - { id: b, http: { url: x, body: { n: "\${{ params.n }}", t: "\${{ params.n }}s" } } }`,
    );
    const ran = await dry(runbook, { n: '5' });
    expect(runbook.outline({ n: 5 })[0]?.shows).toBe('["sleep","5"]');
    expect(ran.inputs).toEqual({ a: { argv: ['sleep', '5'], okExit: [5] }, b: { url: 'x', body: { n: 5, t: '5s' } } });
  });

  it('covers the files of the runbooks that it calls', async () => {
    const runbook = await load(`${head}steps: [{ id: a, runbook: b }]`, {
      'runbooks/b.yaml': `${head}steps: [{ id: a, runbook: c }]`,
      'runbooks/c.yaml': `${head}steps: [{ id: a, exec: [a] }]`,
      'runbooks/d.yaml': `${head}steps: [{ id: a, exec: [a] }]`,
    });
    expect([...runbook.files.keys()]).toEqual(['a.yaml', 'b.yaml', 'c.yaml']);
    expect(runbook.entry).toBe('a.yaml');
  });
});
