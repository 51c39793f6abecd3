import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/kernel/canonical.ts';
import { runDry } from '../../src/load/dry-run.ts';
import { checkFiles, createCatalogue } from '../../src/load/index.ts';
import { compileYamlRunbook } from '../../src/load/runbook-yaml.ts';
import { runRunbookTests } from '../../src/load/tests.ts';
import { loadYaml } from '../../src/load/yaml.ts';
import type { CatalogueSet } from '../../src/ports/catalogue.ts';
import schedule from '../../src/sources/schedule.ts';
import webhook from '../../src/sources/webhook/index.ts';
import approve from '../../src/steps/approve.ts';
import exec from '../../src/steps/exec.ts';
import http from '../../src/steps/http.ts';
import notify from '../../src/steps/notify.ts';
import runbook from '../../src/steps/runbook.ts';
import script from '../../src/steps/script.ts';
import verify from '../../src/steps/verify.ts';
import { brief, config, makePlace } from './place.ts';
import { exact, inexact, written } from './written.ts';

const steps = new Map([approve, exec, http, notify, runbook, script, verify].map(step => [step.id, step as never]));
const sources = new Map([schedule, webhook].map(source => [source.id, source as never]));

async function makeWhole(files: Record<string, string>) {
  const place = await makePlace(files);
  const parts = { ...place.parts, steps, sources: new Map([...place.parts.sources, ...sources]) };
  return { ...place, parts };
}

async function loaded(files: Record<string, string>): Promise<CatalogueSet> {
  const place = await makeWhole(files);
  const catalogue = await createCatalogue(place.parts);
  await catalogue.close();
  await place.remove();
  return catalogue.current();
}

async function problemsOf(files: Record<string, string>) {
  const place = await makeWhole(files);
  const problems = await checkFiles(place.parts);
  await place.remove();
  return { problems, told: brief(problems, place.folder) };
}

async function inputsOf(step: string, more = ''): Promise<Record<string, Json>> {
  const set = await loaded({ 'runbooks/a.yaml': `title: A\nrisk: low\n${more}steps:\n  - id: s\n    ${step}\n` });
  const found = set.runbooks.get('a');
  if (found === undefined) throw new Error('the runbook is not there');
  return (await runDry(found, found.params.parse({}), null, {}, steps)).inputs;
}

/** Each place that wants text, with what comes of the scalar in it. */
const textPlaces: [string, (scalar: string) => Promise<unknown>][] = [
  ['an argv', async s => ((await inputsOf(`exec: [echo, ${s}]`))['s'] as Json[])[1]],
  ['an argv in a block', async s => ((await inputsOf(`exec:\n      - echo\n      - ${s}`))['s'] as Json[])[1]],
  ['a full argv', async s => (await inputsOf(`exec: { argv: [echo, ${s}], okExit: [0, 3] }`))['s']?.valueOf()],
  ['the environment', async s => (await inputsOf(`exec: { argv: [echo], env: { A: ${s} } }`))['s']?.valueOf()],
  ['stdin', async s => (await inputsOf(`exec: { argv: [cat], stdin: ${s} }`))['s']?.valueOf()],
  ['a header', async s => (await inputsOf(`http: { url: "http://a.test/", headers: { A: ${s} } }`))['s']?.valueOf()],
  ['a message', async s => (await inputsOf(`notify: ${s}`))['s']],
  ['a question', async s => (await inputsOf(`approve: { ask: ${s}, by: sre }`))['s']?.valueOf()],
  [
    'an argv beside templates',
    async s => (await inputsOf(`exec: { argv: ["\${{ params.n }}", ${s}], env: { A: ${s} } }`, count))['s']?.valueOf(),
  ],
  ['undo', async s => (await stepOf(`exec: [a]\n    undo: { exec: { argv: [b], env: { A: ${s} } } }`)).undo],
  ['an anchor', async s => (await inputsOf(`exec: { argv: [a, &x ${s}], env: { A: *x } }`))['s']?.valueOf()],
  ['a tag', async s => (await inputsOf(`exec: { argv: [a], env: { A: !!str ${s} } }`))['s']?.valueOf()],
  ['match', async s => (await triggerOf(`match: { v: ${s} }`)).match[0]],
  ['match, a list', async s => (await triggerOf(`match: { v: [x, ${s}] }`)).match[0]],
  ['match, an alias', async s => (await triggerOf(`match: { v: &v ${s}, w: *v }`)).match[1]],
  ['the key of a match', async s => (await triggerOf(`match: { ${s}: x }`)).match[0]],
  ['the default of a param', async s => (await paramsOf(`x: { type: string, allowDash: true, default: ${s} }`))['x']],
  ['an option', async s => (await paramsOf(`x: { type: enum, options: [a, ${s}], default: ${s} }`))['x']],
  ['a title', async s => (await setOf(`title: ${s}\nrisk: low\nsteps: [{ id: a, exec: [a] }]\n`)).view.title],
  ['labels of a schedule', async s => (await jobOf(`labels: { a: ${s} }`)).labels['a']],
  ['the title of a schedule', async s => (await jobOf(`title: ${s}`)).title],
  [
    'expect',
    async s => (await configOf(`expect: { match: { v: ${s} }, every: 5m, labels: { b: ${s} } }`)).expectations,
  ],
  ['a secret', async s => (await configOf(`chat: {}\nsecrets: { API_TOKEN: ${s} }`)).config.secrets],
  ['an account', async s => (await configOf(`people: { you: { accounts: { slack: ${s} } }, sam: {} }`)).config.people],
  ['a token of a source', async s => (await configOf(`sources: { alertmanager: { token: ${s} } }`)).config.sources],
  ['the name of a rule', async s => (await policyOf(`{ name: ${s}, decide: deny }`)).name],
];

const count = 'params: { n: { type: integer, default: 1 } }\n';
const triggerOf = async (text: string) =>
  (await setOf(`title: A\nrisk: low\non: [{ source: alertmanager, ${text} }]\nsteps: [{ id: a, exec: [a] }]\n`))
    .triggers[0] as { match: unknown[] };
const paramsOf = async (text: string) =>
  (await setOf(`title: A\nrisk: low\nparams: { ${text} }\nsteps: [{ id: a, exec: [a] }]\n`)).params.parse({});
const setOf = async (text: string) => (await loaded({ 'runbooks/a.yaml': text })).runbooks.get('a') as never as Found;
const stepOf = async (text: string) => {
  const found = await setOf(`title: A\nrisk: low\nsteps:\n  - id: s\n    ${text}\n`);
  const seen = {};
  const step = {
    do: async (_id: string, _type: string, _input: Json, options: unknown) => Object.assign(seen, options),
  };
  await found.body({ params: {}, alert: null, run: { id: 'r', reason: null }, step });
  return seen as { undo: unknown };
};
interface Found {
  triggers: unknown[];
  params: { parse(given: object): Record<string, Json> };
  view: { title: string };
  body(input: unknown): Promise<void>;
}
const configOf = async (text: string) => {
  const keys = text.split('\n').map(line => line.slice(0, line.indexOf(':')));
  const rest = config.split('\n').filter(line => !keys.some(key => line.startsWith(`${key}:`)));
  return loaded({ 'tocsin.yaml': `${rest.join('\n')}\n${text}\n` });
};
const jobOf = async (text: string) => {
  const set = await configOf(`sources: { schedule: { jobs: { j: { cron: "0 3 * * *", ${text} } } } }`);
  const options = set.sources.get('schedule')?.options as { jobs: Record<string, never> };
  return options.jobs['j'] as unknown as { labels: Record<string, string>; title: string };
};
const policyOf = async (text: string) =>
  (await loaded({ 'policy.yaml': `rules: [${text}]\n` })).policy.rules[0] as { name: string };

/**
 * True when the text is in the value: as a text, a part of a list or a member. A number in an argv or a match becomes text where it is used,
 * and must be written as that text.
 */
function holds(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value === text;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value) === text;
  if (Array.isArray(value)) return value.some(member => holds(member, text));
  return value !== null && typeof value === 'object' && Object.values(value).some(member => holds(member, text));
}

describe.each(textPlaces)('%s takes the text as written', (_place, read) => {
  it('for every scalar', async () => {
    const lost: string[] = [];
    for (const scalar of written) {
      const came = await read(scalar);
      if (!holds(came, scalar)) lost.push(`${scalar} -> ${JSON.stringify(came)}`);
    }
    expect(lost).toEqual([]);
  });
});

const head = 'title: A\nrisk: low\n';

describe('an expression where text is wanted', () => {
  const hook = (text: string) =>
    `sources: { checks: { type: webhook, map: { fingerprint: body.a, state: body.b, title: body.c, ${text} } } }\n`;
  const book = (text: string) => `${head}${text}\nsteps: [{ id: a, exec: [a] }]\n`;

  it.each(['1.10', '1e3', '0x1F', '012'])('is not the number %s, whose text changes', async scalar => {
    const quoted = `'"${scalar}"' for the text`;
    for (const given of [scalar, `"${scalar}"`])
      for (const [files, message] of [
        [{ 'tocsin.yaml': hook(`labels: { v: ${given} }`) }, 'sources.checks.map.labels.v'],
        [{ 'runbooks/a.yaml': book(`params: { v: { type: string, from: ${given} } }`) }, 'params.v.from'],
        [
          {
            'runbooks/a.yaml': book(
              `params: { v: { type: string } }\non: [{ source: alertmanager, params: { v: ${given} } }]`,
            ),
          },
          'on[0].params.v',
        ],
      ] as const) {
        const { problems } = await problemsOf(files);
        expect(problems.filter(one => one.message.startsWith(`${message}: ${scalar} is a number here`))).toMatchObject([
          { allowed: quoted },
        ]);
      }
  });

  it('may be a number that is shown as it is written, a text in quotes of its own, or a number for a number', async () => {
    const files = {
      'runbooks/a.yaml': book(
        `params:
  a: { type: string, from: 12 }
  b: { type: string, from: "'1.10'" }
  c: { type: number, from: 1.10 }
on: [{ source: alertmanager }]`,
      ),
    };
    expect((await problemsOf(files)).told).toEqual([]);
  });
});

describe('a template where text is wanted', () => {
  it.each(['1.10', '1e3', '0x1F', '5.0'])(
    'is not the number %s, whose text changes, alone or in a text',
    async scalar => {
      const files = {
        'runbooks/a.yaml': `${head}steps:\n  - id: s\n    exec: [echo, "\${{ ${scalar} }}", "v\${{${scalar}}}"]\n`,
      };
      const { problems, told } = await problemsOf(files);
      const said = `${scalar} is a number here, whose text is ${Number(scalar)}`;
      expect(told).toEqual([
        `runbooks/a.yaml:5:23 steps[0].exec[1]: ${said}`,
        expect.stringContaining(`steps[0].exec[2]: ${said}`),
      ]);
      expect(problems[0]).toMatchObject({
        given: scalar,
        allowed: `'${scalar}' in quotes for the text, or ${Number(scalar)}`,
      });
    },
  );

  it('may be the text in quotes, or a number that is shown as it is written', async () => {
    const files = {
      'runbooks/a.yaml': `${head}steps:\n  - id: s\n    exec: [echo, "\${{ '1.10' }}", "v\${{ 12 }}"]\n`,
    };
    expect((await problemsOf(files)).told).toEqual([]);
  });
});

const body = (scalar: string) => `http: { url: "http://a.test/", method: POST, body: { a: [${scalar}] } }`;

describe('any JSON', () => {
  it('keeps a number or boolean that is written as JSON writes it, and every text', async () => {
    for (const scalar of written.filter(one => !inexact.has(one)))
      expect(await inputsOf(body(scalar))).toMatchObject({ s: { body: { a: [exact[scalar] ?? scalar] } } });
    expect(await inputsOf(body('~, null, "1.10", !!str 012'))).toMatchObject({
      s: { body: { a: [null, null, '1.10', '012'] } },
    });
  });

  it.each([...inexact])('refuses %s, with the way out', async scalar => {
    const files = { 'runbooks/a.yaml': `${head}steps:\n  - id: s\n    ${body(scalar)}\n` };
    const { problems, told } = await problemsOf(files);
    expect(told).toEqual([expect.stringContaining('runbooks/a.yaml:5:62 steps[0].http.body.a[0]: ')]);
    expect(problems[0]).toMatchObject({ given: scalar, allowed: expect.stringContaining(`"${scalar}" in quotes`) });
  });

  it('refuses it in the parameters of a called runbook, and in what tests expect', async () => {
    const called = `${head}params: { v: { type: string } }\nsteps: [{ id: a, exec: [a] }]\n`;
    const calls = `${head}steps: [{ id: a, runbook: { name: b, params: { v: 1.10 } } }]\n`;
    expect((await problemsOf({ 'runbooks/a.yaml': calls, 'runbooks/b.yaml': called })).told).toEqual([
      'runbooks/a.yaml:3:51 steps[0].runbook.params.v: 1.10 would become 1.1',
    ]);
    const place = await makeWhole({
      'runbooks/b.yaml': called,
      'runbooks/b.test.yaml': 'cases: [{ name: x, params: { v: a }, expect: { inputs: { a: [a, 012] } } }]\n',
    });
    const report = await runRunbookTests(place.parts);
    await place.remove();
    expect(brief(report.problems, place.folder)).toEqual([
      'runbooks/b.test.yaml:1:65 cases[0].expect.inputs.a[1]: 012 would become 12',
    ]);
  });

  it('tells no more than twenty of a file full of them', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => `k${index}: 0x${index.toString(16)}`).join(', ');
    const files = { 'runbooks/a.yaml': `${head}steps:\n  - id: s\n    ${body(`{ ${many} }`)}\n` };
    expect((await problemsOf(files)).problems).toHaveLength(20);
  });
});

it('the tests of a runbook give a parameter the text that its type wants', async () => {
  const cases = written.map(
    scalar =>
      `  - { name: x, params: { v: ${scalar}, n: 8080, b: true }, expect: { params: { v: ${scalar}, n: 8080, b: true } } }`,
  );
  const params = 'v: { type: string, allowDash: true }, n: { type: integer }, b: { type: boolean }';
  const place = await makeWhole({
    'runbooks/b.yaml': `${head}params: { ${params} }\nsteps: [{ id: a, exec: [echo, "\${{ params.v }}"] }]\n`,
    'runbooks/b.test.yaml': `cases:\n${cases.join('\n')}\n`,
  });
  const report = await runRunbookTests(place.parts);
  await place.remove();
  expect(report.problems).toEqual([]);
  expect(report.results.map(({ differences }) => differences)).toEqual(written.map(() => []));
});

describe('where a number or a boolean is wanted', () => {
  it.each([
    ['0x1F', 31],
    ['0o17', 15],
    ['1e3', 1000],
    ['+5', 5],
    ['1.50', 1.5],
    ['.5', 0.5],
    ['-0', -0],
    ['9007199254740991', 9007199254740991],
  ])('%s is %s', async (scalar, value) => {
    expect(await paramsOf(`x: { type: number, default: ${scalar} }`)).toEqual({ x: value });
  });

  it.each([
    ['type: number, default: 9007199254740993', '3:39 params.x.default: this number does not fit'],
    ['type: number, default: 12345678901234567890', '3:39 params.x.default: this number does not fit'],
    ['type: number, default: 0xFFFFFFFFFFFFFFFF', '3:39 params.x.default: this number does not fit'],
    ['type: number, default: 1e-400', '3:39 params.x.default: this number does not fit'],
    ['type: integer, default: 010', '3:40 params.x.default: a number with a leading zero is octal to some readers'],
    ['type: number, default: 1e400', /^3:39 params\.x\.default has the wrong type/],
    ['type: number, default: .inf', /^3:39 params\.x\.default has the wrong type/],
    ['type: number, default: 1_000', /^3:39 params\.x\.default has the wrong type/],
    ['type: number, default: 12:30:45', /^3:39 params\.x\.default/],
    ['type: integer, default: 1.5', /^3:40 params\.x\.default/],
    ['type: boolean, default: yes', /^3:40 params\.x\.default has the wrong type/],
    ['type: boolean, default: 1', /^3:40 params\.x\.default has the wrong type/],
  ])('%s is refused', async (param, message) => {
    const { told } = await problemsOf({
      'runbooks/a.yaml': `${head}params: { x: { ${param} } }\nsteps: [{ id: a, exec: [a] }]\n`,
    });
    expect(told).toEqual([
      typeof message === 'string'
        ? `runbooks/a.yaml:${message}`
        : expect.stringMatching(new RegExp(`:${message.source.slice(1)}`)),
    ]);
  });
});

describe('null is no text', () => {
  it.each(['~', 'null', 'Null', 'NULL'])('%s is refused where text is wanted', async scalar => {
    for (const [step, place] of [
      [`exec: [echo, ${scalar}]`, '5:18'],
      [`exec: { argv: [echo], env: { A: ${scalar} } }`, '5:37'],
      [`notify: ${scalar}`, '5:13'],
    ] as const) {
      const { problems, told } = await problemsOf({ 'runbooks/a.yaml': `${head}steps:\n  - id: s\n    ${step}\n` });
      expect(told).toEqual([expect.stringContaining(`runbooks/a.yaml:${place} `)]);
      expect(problems[0]?.given).toBe(scalar);
      if (step.startsWith('exec: {')) expect(problems[0]?.allowed).toBe(`a text: "${scalar}" in quotes`);
    }
    const { told } = await problemsOf({
      'runbooks/a.yaml': `${head}on: [{ source: alertmanager, match: { v: ${scalar} } }]\nsteps: [{ id: a, exec: [a] }]\n`,
    });
    expect(told).toEqual([expect.stringContaining('runbooks/a.yaml:3:42 ')]);
  });
});

describe('one document', () => {
  const parse = (text: string, stored = false) => loadYaml('a.yaml', new TextEncoder().encode(text), stored);

  it('has the text of every scalar that YAML reads otherwise, also through aliases', () => {
    const loaded = parse('a: &a { b: [1.10, "1.10", ~, True] }\nc: *a\nd: &d 012\ne: { 0x1F: *d }\n');
    if (!loaded.ok) throw new Error('it does not load');
    const { yaml } = loaded;
    const of = (...path: (string | number)[]) => yaml.written(path);
    expect([of('a', 'b', 0), of('a', 'b', 1), of('a', 'b', 2), of('a', 'b', 3)]).toEqual(['1.10', null, '~', 'True']);
    expect([of('c', 'b', 0), of('d'), of('e', '0x1F'), of('c'), of('x'), of('a', 'b', 9)]).toEqual([
      '1.10',
      '012',
      '012',
      null,
      null,
      null,
    ]);
    expect(yaml.locate(['c', 'b', 3])).toEqual({ line: 1, column: 30 });
    expect(yaml.locateKey(['c', 'b'])).toEqual({ line: 1, column: 9 });
  });

  it('reads no merge keys, which would silently be a key of that name', () => {
    const loaded = parse('a: &a { b: 1 }\nc:\n  <<: *a\n');
    expect(loaded.ok ? [] : brief(loaded.problems, '')).toEqual([
      'a.yaml:3:3 merge keys are not read; write its entries here',
    ]);
    expect(parse('a: { "<<": 1 }').ok).toBe(true);
  });

  it('that belongs to a plan is not refused for what it was accepted with, and has the same texts', () => {
    const text = `${head}steps:\n  - id: s\n    ${body('0x1F')}\n  - id: t\n    exec: [echo, 012]\n`;
    const compiled = [true, false].map(stored => {
      const loaded = parse(text, stored);
      if (!loaded.ok) throw new Error('it does not load');
      return compileYamlRunbook('a', loaded.yaml, new TextEncoder().encode(text), steps);
    });
    expect(compiled.map(({ faults }) => faults.list.length)).toEqual([0, 1]);
    expect(compiled[0]?.draft?.runbook.outline({}).map(({ shows }) => shows)).toEqual([
      expect.stringContaining('[31]'),
      'echo 012',
    ]);
  });

  it('knows 012 and 1.10 as keys by their text', () => {
    const loaded = parse('{ 012: a, 12: b, 1.10: c, 1.1: d, ~: e, true: f, True: g }');
    expect(loaded.ok && loaded.yaml.data).toEqual({
      '012': 'a',
      '12': 'b',
      '1.10': 'c',
      '1.1': 'd',
      '~': 'e',
      true: 'f',
      True: 'g',
    });
  });
});
