import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cli } from './terminal.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-cli-'));
  await cli(['init'], { cwd: folder });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const test = (...words: string[]) => cli(['test', ...words], { cwd: folder });

it('passes what init wrote', async () => {
  expect(await test()).toEqual({
    code: 0,
    out: 'ok   hello: an alert starts it\nok   hello: a name that is more than a name is refused\n2 passed, 0 failed',
    err: '',
  });
  expect((await cli(['check'], { cwd: folder })).code).toBe(0);
});

it('tells what was expected and what came, with exit code 1', async () => {
  const cases = 'cases:\n  - { name: wrong, params: { name: sam }, expect: { steps: [hello], state: failed } }\n';
  await writeFile(join(folder, 'runbooks/hello.test.yaml'), cases);
  const { code, out } = await test('hello');
  expect(code).toBe(1);
  expect(out).toBe(
    [
      'FAIL hello: wrong',
      '       steps: expected ["hello"], came ["hello","machine"]',
      '       state: expected failed, came succeeded',
      '0 passed, 1 failed',
    ].join('\n'),
  );
});

it('takes a notice as an event, and a trigger takes it only where it says so', async () => {
  const steps = 'steps: [{ id: hello, exec: [echo, hello] }]\n';
  const cases =
    'cases:\n  - { name: a note, event: { source: webhook, notice: note }, expect: { matches: true } }\n  - { name: an alert, event: { source: webhook }, expect: { matches: true } }\n';
  for (const [id, kind] of [
    ['notes', ', kind: notice'],
    ['rest', ''],
  ]) {
    await writeFile(
      join(folder, `runbooks/${id}.yaml`),
      `title: A\nrisk: low\non: [{ source: webhook${kind} }]\n${steps}`,
    );
    await writeFile(join(folder, `runbooks/${id}.test.yaml`), cases);
  }
  const says = (out: string) => out.split('\n').filter(line => /^(ok|FAIL)/.test(line));
  expect(says((await test('notes')).out)).toEqual(['ok   notes: a note', 'FAIL notes: an alert']);
  expect(says((await test('rest')).out)).toEqual(['FAIL rest: a note', 'ok   rest: an alert']);
});

it('takes a change as an event, with what its trigger asks of it', async () => {
  await writeFile(
    join(folder, 'runbooks/undo.yaml'),
    `title: Undo
risk: low
on:
  - source: webhook
    kind: change
    where: event.change.outcome == "success" && event.change.environment == "production"
    params: { from: event.change.before.digest, image: event.change.after.facts.image, who: event.change.actor.name }
params: { from: { type: string }, image: { type: string }, who: { type: string } }
steps: [{ id: undo, exec: [echo, hello] }]
`,
  );
  const change =
    '{ action: push, resource: { type: branch, id: main }, actor: dana, before: aaa, after: { image: "x:2" }, environment: production';
  await writeFile(
    join(folder, 'runbooks/undo.test.yaml'),
    `cases:
  - { name: done, event: { source: webhook, change: ${change} } }, expect: { params: { from: aaa, image: "x:2", who: dana } } }
  - { name: refused, event: { source: webhook, change: ${change}, error: no } }, expect: { matches: false } }
  - { name: an alert, event: { source: webhook }, expect: { matches: false } }
  - { name: a notice, event: { source: webhook, notice: push }, expect: { matches: false } }
`,
  );
  const { code, out } = await test('undo');
  const says = out.split('\n').filter(line => /^(ok|FAIL)/.test(line));
  expect(says).toEqual(['ok   undo: done', 'ok   undo: refused', 'ok   undo: an alert', 'ok   undo: a notice']);
  expect(code).toBe(0);
});

it('names runbooks without a test, and a runbook that is not there', async () => {
  await rm(join(folder, 'runbooks/hello.test.yaml'));
  expect(await test()).toEqual({
    code: 1,
    out: 'no test: hello\n0 passed, 0 failed',
    err: 'There are no tests: nothing was tested. A test of runbooks/<id>.yaml is runbooks/<id>.test.yaml.',
  });
  expect(await test('helo')).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean hello?') });
});

it('tests nothing while a file is wrong, and says where', async () => {
  await writeFile(join(folder, 'runbooks/hello.test.yaml'), 'cases:\n  - { name: a, expct: {} }\n');
  const wrongTest = await test();
  expect(wrongTest.code).toBe(1);
  expect(wrongTest.out).toMatch(/hello\.test\.yaml:2:\d+[\s\S]*expct/);
  await writeFile(join(folder, 'runbooks/hello.yaml'), 'title: Hello\n');
  expect(await test()).toMatchObject({ code: 1, out: expect.stringMatching(/hello\.yaml:1:1/) });
});
