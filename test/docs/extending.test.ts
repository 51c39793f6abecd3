import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isCode, TocsinError } from '../../src/kernel/errors.ts';
import { hasMembers, loadShelf } from '../../src/kernel/shelf.ts';
import { parseStrictJson } from '../../src/kernel/strict-json.ts';
import { incomingEvent } from '../../src/model/event.ts';
import type { ChatPlatform } from '../../src/ports/chat.ts';
import type { Command } from '../../src/ports/command.ts';
import type { Source } from '../../src/ports/source.ts';
import type { StepType } from '../../src/ports/step.ts';
import { createHostDouble } from '../doubles/chat-host.ts';
import { makeStepContext } from '../doubles/step-context.ts';
import { readPages, root } from './pages.ts';

/** A house like ours in which the shelves hold what the pages show, and everything else is ours by a link. */
let house = '';
const code = readPages()
  .flatMap(page => page.blocks)
  .filter(block => block.language === 'ts' && block.label !== null);

beforeAll(async () => {
  house = await mkdtemp(join(tmpdir(), 'tocsin-docs-'));
  const shelves = new Set(['steps', 'sources', 'chat']);
  await mkdir(join(house, 'src'));
  for (const name of await readdir(join(root, 'src')))
    if (!shelves.has(name)) await symlink(join(root, 'src', name), join(house, 'src', name));
  await symlink(join(root, 'node_modules'), join(house, 'node_modules'));
  for (const { label, text } of code) {
    const path = join(house, label ?? '');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  await writeFile(join(house, 'package.json'), '{ "type": "module" }');
  const { compilerOptions } = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8'));
  const paths = { tocsin: [join(root, 'src/index.ts')] };
  await writeFile(
    join(house, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, paths }, files: code.map(block => block.label) }),
  );
});

afterAll(() => rm(house, { recursive: true, force: true }));

test('everything that the pages show in TypeScript has the right types', async () => {
  expect(code.map(block => block.label)).toEqual(
    expect.arrayContaining(['src/steps/fresh.ts', 'src/sources/probes.ts']),
  );
  const tsc = join(root, 'node_modules/.bin/tsc');
  const said = await promisify(execFile)(process.execPath, [tsc, '-p', house], { cwd: house }).then(
    () => '',
    error => `${error.stdout}${error.stderr}`,
  );
  expect(said).toBe('');
});

test('the step type loads, and does what its examples say', async () => {
  const members = hasMembers<StepType>('about', 'input', 'output', 'risk', 'idempotent', 'examples', 'show', 'run');
  const type = (await loadShelf<StepType>(join(house, 'src/steps'), members)).get('fresh');
  expect(type?.examples).toHaveLength(3);
  for (const { input, expect: wanted } of type?.examples ?? []) {
    const parsed = type?.input.safeParse(input);
    if ('refused' in wanted) {
      expect(JSON.stringify(parsed?.error?.issues)).toContain(wanted.refused);
      continue;
    }
    expect(type?.show(parsed?.data)).toMatch(/^fail unless \//);
    const { context } = await makeStepContext({});
    const result = await type?.run(parsed?.data, context).catch(error => ({ state: 'failed', because: String(error) }));
    expect(result).toMatchObject({ state: wanted.state });
    if (wanted.state === 'failed')
      expect(result).toMatchObject({ because: expect.stringContaining(wanted.because ?? '') });
  }
});

test('the source loads, and takes what its examples say', async () => {
  const members = hasMembers<Source>('about', 'options', 'examples', 'verify', 'normalise');
  const source = (await loadShelf<Source>(join(house, 'src/sources'), members)).get('probes');
  expect(source?.examples).toHaveLength(3);
  for (const example of source?.examples ?? []) {
    const options = source?.options.parse(example.options);
    const delivery = { headers: example.headers, body: Buffer.from(example.body), at: Date.UTC(2026, 10, 20, 10) };
    const deliver = () => {
      if (!source?.verify(delivery, options).ok) throw new TocsinError('bad-signature');
      return source.normalise(parseStrictJson(delivery.body), delivery, options);
    };
    if ('refused' in example.expect) {
      expect(deliver).toThrow(expect.toSatisfy(error => isCode(error, 'bad-signature')));
      continue;
    }
    if (!('events' in example.expect)) throw new Error('the example of the page brings events');
    expect(deliver().events.map(event => incomingEvent.parse(event))).toMatchObject(example.expect.events);
  }
});

test('the chat platform loads, and delivers in order', async () => {
  const members = hasMembers<ChatPlatform>('about', 'options', 'capabilities', 'open');
  const platform = (await loadShelf<ChatPlatform>(join(house, 'src/chat'), members)).get('logbook');
  const double = await createHostDouble();
  const path = join(house, 'logbook.ndjson');
  const connection = await platform?.open(platform.options.parse({ path }), double.host);
  const card = { tone: 'info' as const, title: 'a', badge: null, blocks: [], buttons: [], mention: [] };
  const post = {
    platform: 'logbook',
    key: 'run/1',
    channel: 'x',
    thread: null,
    card,
    wanted: 1,
    delivered: 0,
    ref: null,
  };
  const rest = { order: 1, createdAt: 0, changed: 1, severity: null, alert: null, run: null };
  expect(await connection?.deliver({ ...post, ...rest }, null)).toBe('run/1');
  await connection?.deliver({ ...post, ...rest, wanted: 2 }, null);
  expect(
    (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).version),
  ).toEqual([1, 2]);
  expect(connection?.trouble()).toBeNull();
  await double.close();
});

test('the command loads, and answers', async () => {
  const commands = await loadShelf<Command>(join(house, 'commands'), hasMembers('about', 'usage', 'args', 'run'));
  const double = await createHostDouble();
  const who = { kind: 'person', id: 'alice', via: 'console', account: null } as const;
  const context = { platform: 'console', channel: null, alert: null, run: null, gate: null };
  const said = await commands.get('whoami')?.run({ who, context, words: [], named: new Map() }, double.host);
  expect(said).toMatchObject({ ok: true, card: { title: 'You act as alice' } });
  await double.close();
});
