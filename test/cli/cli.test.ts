import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TocsinError } from '../../src/kernel/errors.ts';
import type { NewEntry } from '../../src/model/journal.ts';
import { alice, anApproval, aRun, createWorld, storeApproval, storeRun, type World } from '../http/setup.ts';
import { cli } from './terminal.ts';

let folder: string;
let world: World | null = null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-cli-'));
});
afterEach(async () => {
  await world?.close();
  world = null;
  await rm(folder, { recursive: true, force: true });
});

describe('the command line', () => {
  test('help names every command, and each has help of its own with usage and examples', async () => {
    const general = await cli(['--help']);
    expect(general.code).toBe(0);
    const names = [...general.out.matchAll(/^ {2}([a-z]+) {2}/gm)].map(found => found[1] ?? '');
    expect(names).toEqual(
      expect.arrayContaining(['start', 'check', 'run', 'send', 'explain', 'replay', 'audit', 'init']),
    );
    for (const name of names) {
      const help = await cli([name, '--help']);
      expect(help.code).toBe(0);
      expect(help.out).toContain(`Usage: tocsin ${name}`);
      expect(help.out).toContain('Examples:');
      expect((await cli(['help', name])).out).toBe(help.out);
    }
    expect((await cli(['--version'])).out).toBe('1.2.3');
    expect((await cli([])).code).toBe(2);
  });

  test('an unknown word or option names the nearest one, with exit code 2', async () => {
    const word = await cli(['chekc']);
    expect([word.code, word.out]).toEqual([2, '']);
    expect(word.err).toContain('Did you mean tocsin check?');
    const option = await cli(['audit', 'verify', '--chekpoint', 'x']);
    expect(option.code).toBe(2);
    expect(option.err).toContain('Did you mean --checkpoint?');
    for (const argv of [
      ['run'],
      ['send', 'a'],
      ['check', 'extra'],
      ['audit', 'verify', '--file'],
      ['run', 'x', '--detach=yes'],
      ['audit', 'sing'],
      ['run', 'x', 'novalue'],
      ['run', 'x', 'a=1', 'a=2'],
      ['__proto__'],
      ['send', 'a', 'package.json', '--header', 'nonsense'],
    ]) {
      const result = await cli(argv, { cwd: process.cwd() });
      expect(result.code, argv.join(' ')).toBe(2);
      expect(result.err).toContain('usage-invalid');
      expect(result.err).not.toMatch(/\n\s+at /);
    }
  });

  test('wrong environment variables are named with what is allowed', async () => {
    for (const [name, value] of [
      ['TOCSIN_LISTEN', '8080'],
      ['TOCSIN_LISTEN', '127.0.0.1:99999'],
      ['TOCSIN_URL', 'localhost:8080'],
    ] as const) {
      const result = await cli(['explain', 'alt_1'], { env: { [name]: value } });
      expect(result.code, value).toBe(2);
      expect(result.err).toContain(name);
    }
    const check = await cli(['check'], { env: { TOCSIN_LOG: 'loud' } });
    expect([check.code, check.err.includes('debug, info, warn, error')]).toEqual([2, true]);
  });

  test('nothing that answers is exit code 2 with the address, and something else that answers is named as such', async () => {
    world = await createWorld();
    const port = world.port;
    await world.close();
    world = null;
    const result = await cli(['explain', 'alt_1'], { env: { TOCSIN_LISTEN: `127.0.0.1:${port}` } });
    expect(result.code).toBe(2);
    expect(result.err).toContain(`not-reachable`);
    expect(result.err).toContain(`http://127.0.0.1:${port}`);
  });
});

describe('send', () => {
  test('delivers the bytes of a file with headers, and never the token of the API', async () => {
    world = await createWorld();
    await writeFile(join(folder, 'payload.json'), '{"a": "ü"}\n');
    const env = { TOCSIN_URL: world.url, TOCSIN_TOKEN: 'alice-token' };
    const sent = await cli(
      ['send', 'alertmanager', 'payload.json', '--header', 'X-Signature: v1=ab:cd', '--header=X-Two: 2'],
      { env, cwd: folder },
    );
    expect([sent.code, sent.out]).toEqual([0, 'event evt_1  alert alt_1']);
    const delivery = world.received[0]?.delivery;
    expect(delivery?.body.toString()).toBe('{"a": "ü"}\n');
    expect(delivery?.headers).toMatchObject({ 'x-signature': 'v1=ab:cd', 'x-two': '2' });
    expect(delivery?.headers['authorization']).toBeUndefined();
  });

  test('proves a delivery with the secrets of tocsin.yaml, as its sender would', async () => {
    world = await createWorld();
    const place = join(folder, 'signed');
    await mkdir(place, { recursive: true });
    await writeFile(
      join(place, 'tocsin.yaml'),
      'sources:\n  alertmanager: { token: ["${AM_TOKEN}", old] }\n  schedule: { jobs: {} }\n',
    );
    await writeFile(join(place, 'payload.json'), '{}');
    const env = { TOCSIN_URL: world.url, TOCSIN_TOKEN: 'alice-token', AM_TOKEN: 'of-the-sender' };
    const sent = await cli(['send', 'alertmanager', 'payload.json', '--sign'], { env, cwd: place });
    expect([sent.code, sent.err]).toEqual([0, '']);
    expect(world.received[0]?.delivery.headers['authorization']).toBe('Bearer of-the-sender');
    for (const other of ['grafana', 'schedule']) {
      const refused = await cli(['send', other, 'payload.json', '--sign'], { env, cwd: place });
      expect(refused.code).not.toBe(0);
      expect(refused.err).toContain('not-found');
    }
    expect(world.received).toHaveLength(1);
  });

  test('a refusal is exit code 1 with the code', async () => {
    world = await createWorld();
    world.receive = async () => {
      throw new TocsinError('bad-signature');
    };
    await writeFile(join(folder, 'payload.json'), '{}');
    const sent = await cli(['send', 'alertmanager', 'payload.json'], { env: { TOCSIN_URL: world.url }, cwd: folder });
    expect([sent.code, sent.out]).toEqual([1, '']);
    expect(sent.err).toContain('bad-signature');
  });
});

describe('run', () => {
  test('asks with the parameters, shows output in order and ends as the run ends', async () => {
    world = await createWorld();
    const { store, url } = world;
    world.act = async (_who, act) => {
      expect(act).toMatchObject({
        kind: 'run',
        runbook: 'restart-service',
        params: { service: 'api', note: 'a=b' },
        reason: 'it hangs',
      });
      await storeRun(store, aRun({ state: 'succeeded' }));
      const chunk = (seq: number, text: string) =>
        ({ table: 'output', doc: { run: 'run_0000000001', step: 'restart', attempt: 1, seq, text, at: 1 } }) as const;
      await store.commit({ rows: [chunk(1, 'first\n'), chunk(2, '\x1b[31mred\x1b[0m \x1b]0;title\x07\u202e\n')] });
      return { ok: true, text: 'started', run: 'run_0000000001' };
    };
    const env = { TOCSIN_URL: url, TOCSIN_TOKEN: 'alice-token' };
    const done = await cli(['run', 'restart-service', 'service=api', 'note=a=b', '--reason', 'it hangs'], { env });
    expect(done.code).toBe(0);
    expect(done.out).toBe('first\nred \\u202e');
    expect(done.err).toContain('-- succeeded');
    world.act = async () => ({ ok: true, text: 'started', run: 'run_0000000001' });
    const detached = await cli(['run', 'restart-service', '--detach'], { env });
    expect(detached.out).toBe('run_0000000001');
  });

  test('a refusal says each thing once, although the answer is one text for chat', async () => {
    world = await createWorld();
    const details = { allowed: ['disk-usage', 'top-processes'], given: 'nope', remedy: 'See the list of runbooks.' };
    const text =
      'There is no runbook "nope". Allowed: disk-usage, top-processes. Given: nope. See the list of runbooks.';
    world.act = async () => ({ ok: false, code: 'runbook-unknown', status: 404, text, details });
    const { err } = await cli(['run', 'nope'], { env: { TOCSIN_URL: world.url, TOCSIN_TOKEN: 'alice-token' } });
    expect(err.split('\n')).toEqual([
      'runbook-unknown: There is no runbook "nope".',
      '  allowed disk-usage, top-processes',
      '  given   nope',
      '  do      See the list of runbooks.',
    ]);
  });

  test('says whom it waits for, and Ctrl-C stops watching without stopping the run', async () => {
    world = await createWorld();
    const { store, url } = world;
    world.act = async () => {
      await storeApproval(store, anApproval());
      await storeRun(store, aRun({ approval: 'apv_0000000001' }));
      return { ok: true, text: 'waits', run: 'run_0000000001' };
    };
    const controller = new AbortController();
    const result = await cli(['run', 'restart-service'], {
      env: { TOCSIN_URL: url, TOCSIN_TOKEN: 'alice-token' },
      signal: controller.signal,
      onErr: text => text.includes('waits for') && controller.abort(),
    });
    expect(result.code).toBe(1);
    expect(result.err).toContain('waits for 2 of sre');
    expect(result.err).toContain('run_0000000001 goes on');
    expect(world.acts.map(one => one.act.kind)).toEqual(['run']);
  });

  test('a refusal shows what policy said; a missing token says where to get one', async () => {
    world = await createWorld();
    const decision = { verdict: 'deny', rule: 'never on Friday', because: 'it is Friday', ask: null } as const;
    world.act = async () => ({ ok: false, code: 'forbidden', status: 403, text: 'Denied', decision });
    const denied = await cli(['run', 'restart-service'], {
      env: { TOCSIN_URL: world.url, TOCSIN_TOKEN: 'alice-token' },
    });
    expect(denied.code).toBe(1);
    expect(denied.err).toContain('deny by "never on Friday": it is Friday');
    const nobody = await cli(['run', 'restart-service'], { env: { TOCSIN_URL: world.url } });
    expect(nobody.err).toContain('TOCSIN_TOKEN');
    world.act = async () => ({ ok: false, code: 'runbook-unknown', status: 404, text: 'no such runbook' });
    const unknown = await cli(['run', 'restart-servise'], {
      env: { TOCSIN_URL: world.url, TOCSIN_TOKEN: 'alice-token' },
    });
    expect(unknown.err).toContain('Did you mean restart-service?');
  });
});

test('explain prints every rule, with nothing that drives a terminal', async () => {
  world = await createWorld();
  const explained = await cli(['explain', 'alt_0000000001'], { env: { TOCSIN_URL: world.url } });
  expect(explained.code).toBe(0);
  expect(explained.out.split('\n')).toEqual([
    'Disk full  (evt_0000000001, alt_0000000001)',
    '',
    'disk-full: applies: alertname = "DiskFull"',
    '  does not hold  reading: runbook.risk == "none"',
    '  holds          otherwise ask: true',
    '  => approve by "otherwise ask": it always holds',
    '',
    'other: does not apply: alertname is "ab"',
  ]);
  expect((await cli(['explain', 'alt_0000000009'], { env: { TOCSIN_URL: world.url } })).code).toBe(1);
});

describe('audit', () => {
  const entry = (n: number): NewEntry => ({
    stream: 'system',
    actor: alice,
    at: n,
    fact: { kind: 'halt.set', reason: `r${n}` },
  });

  async function withEntries(count: number): Promise<Record<string, string>> {
    world = await createWorld();
    await world.store.commit({ entries: Array.from({ length: count }, (_, n) => entry(n)) });
    return { TOCSIN_URL: world.url };
  }

  test('verifies the journal of a running process and prints a checkpoint that a later verify holds it to', async () => {
    const env = await withEntries(5);
    const first = await cli(['audit', 'verify'], { env });
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/^5:[0-9a-f]{64}$/);
    await world?.store.commit({ entries: [entry(9)] });
    expect((await cli(['audit', 'verify', '--checkpoint', first.out], { env })).code).toBe(0);
    const long = await cli(['audit', 'verify', '--checkpoint', `9007199254740993:${'0'.repeat(64)}`], { env });
    expect([long.code, long.err]).toEqual([2, expect.stringContaining('is not seq:hash')]);
    const other = await cli(['audit', 'verify', '--checkpoint', `5:${'0'.repeat(64)}`], { env });
    expect([other.code, other.err.includes('rewritten')]).toEqual([1, true]);
    const cut = await cli(['audit', 'verify', '--checkpoint', `7:${'0'.repeat(64)}`], { env });
    expect([cut.code, cut.err.includes('tail was cut')]).toEqual([1, true]);
  });

  test('exports to a file that does not exist yet, and finds every kind of tampering in it', async () => {
    const env = await withEntries(6);
    const exported = await cli(['audit', 'export', '--out', 'journal.ndjson'], { env, cwd: folder });
    expect([exported.code, exported.out]).toEqual([0, '']);
    const path = join(folder, 'journal.ndjson');
    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(6);
    expect((await cli(['audit', 'export', '--out', 'journal.ndjson'], { env, cwd: folder })).code).toBe(2);
    const verify = () => cli(['audit', 'verify', '--file', 'journal.ndjson'], { cwd: folder });
    expect((await verify()).code).toBe(0);
    const tampered: [string, string[], string][] = [
      ['changed', lines.map((line, index) => (index === 2 ? line.replace('r2', 'rX') : line)), 'entry 3'],
      ['removed', lines.filter((_, index) => index !== 3), 'entry 4 is missing'],
      ['swapped', [0, 2, 1, 3, 4, 5].map(index => lines[index] ?? ''), 'entry 2 is missing'],
      ['headless', lines.slice(1), 'entry 1 is missing'],
      ['garbled', [...lines, '{"seq":'], 'journal.ndjson:7'],
    ];
    for (const [name, text, said] of tampered) {
      await writeFile(path, `${text.join('\n')}\n`);
      const found = await verify();
      expect(
        [found.code, found.err.includes('journal-broken'), found.err.includes(said)],
        `${name}: ${found.err}`,
      ).toEqual([1, true, true]);
    }
  });

  test('reads the data folder when nothing answers, unless an address was named', async () => {
    const { default: sqlite } = await import('../../src/stores/sqlite/index.ts');
    const store = await sqlite.open({ folder: join(folder, 'data'), url: null, now: Date.now });
    await store.commit({ entries: [entry(1), entry(2)] });
    world = await createWorld();
    const listen = `127.0.0.1:${world.port}`;
    await world.close();
    world = null;
    const owned = await cli(['audit', 'verify'], { env: { TOCSIN_LISTEN: listen }, cwd: folder });
    expect([owned.code, owned.err.includes('store-locked')]).toEqual([1, true]);
    await store.close();
    const free = await cli(['audit', 'verify'], { env: { TOCSIN_LISTEN: listen }, cwd: folder });
    expect([free.code, free.out.slice(0, 2)], free.err).toEqual([0, '2:']);
    expect((await cli(['audit', 'verify'], { env: { TOCSIN_URL: `http://${listen}` }, cwd: folder })).code).toBe(2);
  });
});

describe('a file that somebody named and that cannot be used', () => {
  const cases = (['send alertmanager', 'replay --file', 'audit verify --file'] as const).flatMap(words => [
    { words, given: 'nothing', code: 'file-missing', because: 'There is no such file or folder.' },
    { words, given: 'a-folder', code: 'file-unusable', because: 'It is a folder, not a file.' },
    { words, given: 'a-file/x', code: 'file-unusable', because: 'A part of its path is a file, not a folder.' },
  ]);
  test.each([
    ...cases,
    { words: 'audit export --out', given: 'nothing/x', code: 'file-missing', because: 'There is no such file' },
    { words: 'audit export --out', given: 'a-file', code: 'file-unusable', because: 'A file of this name is there' },
  ])('$words $given: says what was given, where it was looked for and what to do', async one => {
    world = await createWorld();
    await mkdir(join(folder, 'a-folder'));
    await writeFile(join(folder, 'a-file'), 'x');
    const told = await cli([...one.words.split(' '), one.given], { env: { TOCSIN_URL: world.url }, cwd: folder });
    expect([told.code, told.out]).toEqual([2, '']);
    const [first, ...rest] = told.err.split('\n');
    expect(first).toContain(`${one.code}: ${one.because}`);
    expect(rest).toEqual([
      `  at      ${join(folder, one.given)}`,
      `  given   ${one.given}`,
      expect.stringMatching(/^ {2}do {6}\w/),
    ]);
    // Without the folder, whose random name may look like an error of the system (DEAVMK did).
    expect(told.err.replaceAll(folder, '')).not.toMatch(/E[A-Z]{4,}/);
  });

  test('a data folder without a database is no journal that verifies, and none is made', async () => {
    const env = { TOCSIN_LISTEN: '127.0.0.1:1', TOCSIN_DATA: join(folder, 'none') };
    for (const words of [['audit', 'verify'], ['audit', 'export'], ['replay']]) {
      const told = await cli(words, { env, cwd: folder });
      expect(told, words.join(' ')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('file-missing') });
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test('a checkpoint and a sequence that are none are told, not guessed', async () => {
    for (const words of [
      ['audit', 'verify', '--checkpoint', 'checkpoint.txt'],
      ['replay', '--after', 'checkpoint.txt'],
    ]) {
      const told = await cli(words, { cwd: folder });
      expect(told).toMatchObject({ code: 2, err: expect.stringContaining('"checkpoint.txt" is not') });
    }
  });

  test('check and test tell of configuration, policy, runbooks and tests that cannot be read', async () => {
    const check = () => cli(['check'], { cwd: folder });
    for (const path of ['tocsin.yaml', 'policy.yaml']) {
      await mkdir(join(folder, path));
      expect((await check()).out).toBe(
        `${join(folder, path)}:1:1: error: the file cannot be read: it is a folder, not a file`,
      );
      await rm(join(folder, path), { recursive: true });
    }
    await writeFile(join(folder, 'tocsin.yaml'), 'runbooks: nothing\n');
    expect((await check()).out).toContain('the folder of runbooks cannot be read: there is no such file or folder');
    await rm(join(folder, 'tocsin.yaml'));
    await cli(['init', 'mine'], { cwd: folder });
    const tests = join(folder, 'mine/runbooks/hello.test.yaml');
    await rm(tests);
    await mkdir(tests);
    expect(await cli(['test'], { cwd: join(folder, 'mine') })).toMatchObject({
      code: 1,
      out: `${tests}:1:1: error: the file cannot be read: it is a folder, not a file`,
    });
  });

  test('start names a data folder that is none', async () => {
    await writeFile(join(folder, 'data'), 'x');
    const told = await cli(['start'], { env: { TOCSIN_DATA: join(folder, 'data') }, cwd: folder });
    expect(told).toMatchObject({
      code: 1,
      err: expect.stringContaining('file-unusable: A file of this name is there'),
    });
    expect(told.err).toContain('Name a folder that this user may write to in TOCSIN_DATA.');
  });
});

describe('init', () => {
  test('writes files that check finds nothing wrong with, and never overwrites', async () => {
    const made = await cli(['init', 'mine'], { cwd: folder });
    expect([made.code, made.out.split('\n')]).toEqual([
      0,
      ['tocsin.yaml', 'policy.yaml', 'runbooks/hello.yaml', 'runbooks/hello.test.yaml'],
    ]);
    const mine = join(folder, 'mine');
    const checked = await cli(['check', '--strict'], { cwd: mine });
    expect(checked, checked.out).toMatchObject({ code: 0, out: '' });
    const again = await cli(['init', 'mine'], { cwd: folder });
    expect([again.code, again.err.includes('never overwrites')]).toEqual([1, true]);
    await writeFile(join(folder, '.git'), '');
    await rm(mine, { recursive: true });
    expect((await cli(['init'], { cwd: folder })).code).toBe(0);
    expect((await readdir(folder)).sort()).toEqual(['.git', 'policy.yaml', 'runbooks', 'tocsin.yaml']);
  });

  test('check lists what is expected', async () => {
    await writeFile(
      join(folder, 'tocsin.yaml'),
      `sources: { alertmanager: { token: t } }
expect:
  - { match: { alertname: Watchdog }, every: 15m }
  - { name: backup, match: { job: nightly }, every: 26h, source: alertmanager }
`,
    );
    expect(await cli(['check'], { cwd: folder })).toMatchObject({
      code: 0,
      out: '',
      err: [
        'Expects Watchdog from any source with a secret every 15m.',
        'Expects backup (job: nightly) from alertmanager every 1d 2h.',
        '0 errors, 0 warnings.',
      ].join('\n'),
    });
  });

  test('check shows every problem with its position and ends with 1', async () => {
    await cli(['init'], { cwd: folder });
    await writeFile(
      join(folder, 'policy.yaml'),
      'rules:\n  - name: x\n    when: runbok.risk == "none"\n    decide: auto\n  - nam: y\n    decide: maybe\n',
    );
    const checked = await cli(['check'], { cwd: folder });
    expect(checked.code).toBe(1);
    expect(checked.out).toMatch(/policy\.yaml:3:\d+/);
    expect(checked.out).toMatch(/policy\.yaml:5:\d+/);
    expect(checked.err).toMatch(/^[2-9] errors/);
    expect(checked.out + checked.err).not.toMatch(/\n\s+at /);
  });
});
