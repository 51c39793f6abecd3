import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSources, samplesOf } from '../../contracts/source/samples.ts';
import { readPage } from '../../docs/pages.ts';
import { cli } from '../terminal.ts';

const sources = await loadSources();
const withSetup = [...sources.values()].flatMap(({ id, setup }) => (setup === undefined ? [] : [[id, setup] as const]));

let folder: string;
const read = (name = 'tocsin.yaml') => readFile(join(folder, name), 'utf8');
const write = (text: string) => writeFile(join(folder, 'tocsin.yaml'), text);
const tocsin = (...argv: string[]) => cli(['source', ...argv], { cwd: folder });
const check = (env: Record<string, string>) => cli(['check'], { cwd: folder, env });
const secretIn = (text: string) => /export [A-Z_]+=(\S+)/.exec(text)?.[1] ?? '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-source-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('tocsin source add', () => {
  it('writes the source into a new file, with a fresh secret each time, and says what to do at the sender', async () => {
    const first = await tocsin('add', 'datadog', '--url', 'https://tocsin.example.com/');
    expect(first.code, first.err).toBe(0);
    expect(await read()).toBe('sources:\n  datadog:\n    token: ${DATADOG_SECRET}\n');
    const secret = secretIn(first.out);
    expect(secret.length).toBeGreaterThanOrEqual(40);
    expect(first.out).toContain(
      `URL https://tocsin.example.com/events/datadog, custom headers {"Authorization": "Bearer ${secret}"}`,
    );
    expect(first.err).toContain('docs/alert-services.md#datadog');
    const second = await tocsin('add', 'datadog', 'datadog-eu');
    expect(secretIn(second.out)).not.toBe(secret);
    expect(await read()).toContain('  datadog-eu:\n    type: datadog\n    token: ${DATADOG_EU_SECRET}\n');
    expect((await check({ DATADOG_SECRET: secret, DATADOG_EU_SECRET: 'x' })).code).toBe(0);
  });

  it.each(withSetup)('%s: what it writes loads, and its sender is proven by it', async (id, setup) => {
    const made = await tocsin('add', id);
    expect(made.code, made.err).toBe(0);
    expect(made.out + made.err).not.toMatch(/\{[a-z ]+\}/);
    const variable = `${id.toUpperCase().replaceAll('-', '_')}_SECRET`;
    const env = setup.secret === null ? {} : { [variable]: secretIn(made.out) || 'the secret of the sender' };
    const checked = await check(env);
    expect(checked.code, checked.out + checked.err).toBe(0);
    expect(setup.steps.length).toBeGreaterThan(0);
    const [file = '', anchor] = setup.page.split('#');
    expect(readPage(file).anchors.has(anchor ?? '') || anchor === undefined).toBe(true);
    if (setup.secret === null) return;
    const source = sources.get(id);
    const [sample] = source === undefined ? [] : samplesOf(source);
    const text = JSON.stringify(setup.options)
      .replaceAll('{secret}', env[variable] ?? '')
      .replaceAll('{name}', id);
    const options = source?.options.parse(JSON.parse(text));
    // One with a way of its own is proven there.
    if (source?.takesProven !== undefined) return expect(source.takesProven(options)).toBe(true);
    const bare = { headers: sample?.headers ?? {}, body: sample?.body ?? Buffer.from('{}'), at: Date.now() };
    const headers = { ...bare.headers, ...source?.prove?.(bare, options) };
    const verified = source?.verify({ ...bare, headers }, options);
    expect(verified?.ok === true && verified.by !== 'none').toBe(true);
  });

  it('keeps everything else of the file as it is, comments too', async () => {
    const before = [
      '# ours',
      'timezone: Europe/Berlin   # where we are',
      'sources:   # where events come from',
      '    # the first one',
      '    alertmanager: { token: "${AM}" }',
      '',
      'people:',
      '  you: { name: You }',
      '',
    ];
    await write(before.join('\n'));
    expect((await tocsin('add', 'zabbix')).code).toBe(0);
    const added = ['    zabbix:', '      token: ${ZABBIX_SECRET}'];
    expect(await read()).toBe([...before.slice(0, 3), ...added, ...before.slice(3)].join('\n'));
  });

  it.each([
    ['in braces', 'sources: { alertmanager: {} }\npeople: { you: {} }\n'],
    ['empty', 'sources:\npeople: { you: {} }\n'],
    ['an empty map', 'sources: {}\n'],
    ['no sources', 'people: { you: {} } # no end of line'],
    ['comments alone', '# nothing yet\n'],
    ['at the end without a line end', 'sources:\n  alertmanager: {}'],
  ])('adds to a file with %s', async (_what, text) => {
    await write(text);
    const made = await tocsin('add', 'nagios');
    expect(made.code, made.err).toBe(0);
    const now = await read();
    expect(now).toContain('${NAGIOS_SECRET}');
    for (const kept of ['alertmanager', 'you', '# nothing yet', '# no end of line'])
      if (text.includes(kept)) expect(now).toContain(kept);
    expect((await check({ NAGIOS_SECRET: 'x' })).code, now).toBe(0);
  });

  it('puts the secret into a file of variables that only its owner may read, and shows it only where it is typed in', async () => {
    await writeFile(join(folder, 'env'), 'OTHER=1', { mode: 0o600 });
    const made = await tocsin('add', 'kibana', '--env-file', 'env');
    expect(made.code, made.err).toBe(0);
    const [, secret = ''] = /^KIBANA_SECRET=(.+)$/m.exec(await read('env')) ?? [];
    expect(await read('env')).toBe(`OTHER=1\nKIBANA_SECRET=${secret}\n`);
    expect(made.out).not.toContain('export ');
    expect((await tocsin('add', 'zabbix', '--env-file', 'new-env')).code).toBe(0);
    expect((await stat(join(folder, 'new-env'))).mode & 0o777).toBe(0o600);
  });

  it('changes nothing where the name is taken, the file is broken, or the variable is there already', async () => {
    await write('sources:\n  grafana: {}\n');
    const taken = await tocsin('add', 'grafana', '--env-file', 'env');
    expect([taken.code, taken.out]).toEqual([1, '']);
    expect(taken.err).toContain('conflict');
    expect(existsSync(join(folder, 'env'))).toBe(false);
    await writeFile(join(folder, 'env'), 'ZABBIX_SECRET=old\n');
    const known = await tocsin('add', 'zabbix', '--env-file', 'env');
    expect([known.code, await read('env'), await read()]).toEqual([
      1,
      'ZABBIX_SECRET=old\n',
      'sources:\n  grafana: {}\n',
    ]);
    await write('sources: [\n');
    const broken = await tocsin('add', 'zabbix');
    expect([broken.code, await read()]).toEqual([1, 'sources: [\n']);
    expect(broken.err).toContain('tocsin.yaml:');
  });

  it('says which types there are for one that there is not, or that has no sender', async () => {
    for (const type of ['nothing', 'schedule', '__proto__']) {
      const made = await tocsin('add', type);
      expect([made.code, existsSync(join(folder, 'tocsin.yaml'))]).toEqual([1, false]);
      expect(made.err).toContain('grafana');
    }
    expect((await tocsin('add', 'grafana', 'Not A Name')).code).toBe(2);
    expect((await tocsin('remove', 'grafana')).code).toBe(2);
    expect((await tocsin('add')).code).toBe(2);
  });

  it('lists the types', async () => {
    const { code, out } = await tocsin('list');
    expect(code).toBe(0);
    for (const [id] of withSetup) expect(out).toMatch(new RegExp(`^${id} `, 'm'));
    expect(out).not.toMatch(/^schedule/m);
  });
});
