import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/kernel/log.ts';
import { checkFiles, createCatalogue } from '../../src/load/index.ts';
import { brief, config, goodRunbook, makePlace, type Place } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.remove();
});

async function put(files: Record<string, string | Uint8Array | null> = {}): Promise<Place> {
  const place = await makePlace(files);
  places.push(place);
  return place;
}

async function problemsOf(files: Record<string, string | Uint8Array | null>): Promise<string[]> {
  const place = await put(files);
  return brief(await checkFiles(place.parts), place.folder);
}

describe('the folder of runbooks', () => {
  it('takes ids from the names of its files, and no name that is not an id', async () => {
    const names = (
      await readFile(new URL('../fixtures/payloads/hostile/runbook-names.txt', import.meta.url), 'utf8')
    ).split('\n');
    const place = await put();
    // What a file system can hold; the others cannot be files at all.
    const writable = names.filter(name => !/[/\0]/.test(name) && name !== '' && Buffer.byteLength(name) < 240);
    for (const name of writable) await writeFile(join(place.folder, 'runbooks', `${name}.yaml`), goodRunbook);
    const told = new Set((await checkFiles(place.parts)).map(problem => problem.file));
    const fine = writable.filter(name => !told.has(join(place.folder, 'runbooks', `${name}.yaml`)));
    // What begins with a dot or an underscore is set aside. Ids are keys of maps, so that `constructor` is a name like others.
    expect(fine.filter(name => !/^[._]/.test(name))).toEqual(['con', 'restart-service', 'constructor']);
    expect(writable.length).toBeGreaterThan(15);
  });

  it('finds nothing under a name from outside', async () => {
    const place = await put({ 'runbooks/a.yaml': goodRunbook });
    const catalogue = await createCatalogue(place.parts);
    await catalogue.close();
    for (const name of ['__proto__', 'constructor', 'toString', '../runbooks/a', 'a.yaml', 'A'])
      expect(catalogue.current().runbooks.get(name)).toBeUndefined();
    expect([...catalogue.current().runbooks.keys()]).toEqual(['a']);
  });

  it('refuses links that lead out of it, and follows those that do not', async () => {
    const place = await put({ 'elsewhere.yaml': goodRunbook, 'runbooks/below/real.yaml': goodRunbook });
    const link = (name: string, to: string) => symlink(to, join(place.folder, 'runbooks', name));
    await link('out.yaml', '../elsewhere.yaml');
    await link('etc.yaml', '/etc/passwd');
    await link('gone.yaml', './nothing.yaml');
    await link('in.yaml', './below/real.yaml');
    await link('folder.yaml', './below');
    expect(brief(await checkFiles(place.parts), place.folder)).toEqual([
      'runbooks/etc.yaml:1:1 this link leads out of the folder of runbooks',
      'runbooks/folder.yaml:1:1 this is not a plain file',
      'runbooks/gone.yaml:1:1 this link leads out of the folder of runbooks',
      'runbooks/out.yaml:1:1 this link leads out of the folder of runbooks',
    ]);
  });

  it('refuses what is too large, ends otherwise, or is there twice', async () => {
    expect(
      await problemsOf({
        'runbooks/a.yaml': `${goodRunbook}#${'x'.repeat(300 * 1024)}`,
        'runbooks/b.yml': goodRunbook,
        'runbooks/c.yaml': goodRunbook,
        'runbooks/c.ts': 'export default {}',
        'runbooks/README.md': 'not a runbook',
        'runbooks/.hidden.yaml': 'no: runbook',
      }),
    ).toEqual([
      'runbooks/a.yaml:1:1 the file is too large',
      'runbooks/b.yml:1:1 a runbook ends in .yaml',
      ...(await problemsOf({ 'runbooks/c.ts': 'export default {}' })),
      'runbooks/c.yaml:1:1 there are two runbooks "c"',
    ]);
  });

  it('loads no code that a plan could not cover', async () => {
    const imports = (what: string) => `import ${what};\nimport { defineRunbook } from 'tocsin';\nexport default 1;\n`;
    const place = await put({
      'outside.ts': 'export const x = 1;',
      'runbooks/a.ts': imports("{ x } from '../outside.ts'"),
      'runbooks/b.ts': imports("yaml from 'yaml'"),
      'runbooks/c.ts': imports("'./missing.ts'"),
      'runbooks/d.ts': 'throw new Error("no runbook");\n',
      'runbooks/e.ts': 'export default defineRunbook(;\n',
      'runbooks/f.ts': imports("'./lib'"),
      'runbooks/lib/x.ts': '',
    });
    const problems = await checkFiles(place.parts);
    expect(problems.map(problem => problem.message)).toEqual([
      expect.stringContaining('"../outside.ts", which is outside the folder of runbooks'),
      expect.stringContaining('imports "yaml"; a runbook imports tocsin'),
      expect.stringContaining('"./missing.ts", which is not there'),
      expect.stringContaining('no runbook'),
      expect.stringContaining('does not load'),
      expect.stringContaining('"./lib", which cannot be read: it is a folder, not a file'),
    ]);
    expect(problems.map(problem => problem.message).join()).not.toContain('    at ');
  });
});

describe('tocsin.yaml', () => {
  it.each([
    [`${config}peopel: {}\n`, ['tocsin.yaml:6:1 there is no "peopel" here']],
    [`${config}timezone: Mars/Olympus\n`, ['tocsin.yaml:6:11 this is not a time zone of the IANA list']],
    [
      `${config}proxies: [127.0.0.1, proxy.internal, 0.0.0.0/0]\n`,
      ['tocsin.yaml:6:22 proxies[1]: this is not an address', 'tocsin.yaml:6:38 proxies[2]: this is not an address'],
    ],
    [
      'people: { you: {} }\ngroups: { sre: [yuo] }\noperators: [sr]\n',
      ['policy.yaml', 'tocsin.yaml:2:17 there is no person "yuo"', 'tocsin.yaml:3:13 there is no group or person "sr"'],
    ],
    ['sources: { alertmanger: {} }\n', ['policy.yaml', 'tocsin.yaml:1:12 there is no source "alertmanger"']],
    [
      'sources: { alertmanager: { tokn: x } }\n',
      ['policy.yaml', 'tocsin.yaml:1:28 there is no "tokn" in sources.alertmanager'],
    ],
    [
      'people: { a: { accounts: { slack: T1/U1 } }, b: { accounts: { slack: T1/U1 } } }\n',
      ['policy.yaml', 'tocsin.yaml:1:70 this account belongs to a already'],
    ],
    [
      'routes: [{ when: "event.lables.x == 1", to: ["console:a"] }, { to: [nowhere] }]\n',
      [
        'policy.yaml',
        'tocsin.yaml:1:25 routes[0].when: there is no field "lables" here',
        'tocsin.yaml:1:69 this is not a channel',
      ],
    ],
    [`${config}secrets: {}\n`, ['tocsin.yaml:6:1 this key is there twice']],
  ])('%j', async (text, expected) => {
    const problems = await problemsOf({ 'tocsin.yaml': text });
    expect(problems.filter(problem => !problem.startsWith('policy.yaml'))).toEqual(
      expected
        .filter(one => one !== 'policy.yaml')
        .map(one => expect.stringMatching(new RegExp(`^${RegExp.escape(one)}`))),
    );
  });

  it('names the nearest known word, and what was allowed', async () => {
    const place = await put({ 'tocsin.yaml': `${config}peopel: {}\n` });
    expect(await checkFiles(place.parts)).toEqual([
      expect.objectContaining({ nearest: 'people', allowed: expect.stringContaining('operators') }),
    ]);
  });

  it('takes values from the environment, as data, and tells which are not set', async () => {
    const text = config.replace(
      'API_TOKEN: secret',
      () => 'A: "${ONE}", B: "x${TWO:-two}y", C: "$${ONE}", D: "${INNER}"',
    );
    const place = await put({ 'tocsin.yaml': text });
    const env = { ONE: 'one', INNER: '${ONE}', EMPTY: '' };
    const catalogue = await createCatalogue({ ...place.parts, env });
    await catalogue.close();
    expect(catalogue.current().config.secrets).toEqual({ A: 'one', B: 'xtwoy', C: '${ONE}', D: '${ONE}' });
    const problems = brief(await checkFiles({ ...place.parts, env: { INNER: 'x' } }), place.folder);
    expect(problems).toEqual([expect.stringMatching(/^tocsin\.yaml:5:\d+ .*ONE is not set/)]);
    expect(problems[0]).not.toContain('secret');
  });

  it('must be there when somebody named it, and need not when nobody did', async () => {
    const place = await put({ 'tocsin.yaml': null, 'policy.yaml': null });
    expect(brief(await checkFiles(place.parts), place.folder)).toEqual(['tocsin.yaml:1:1 there is no such file']);
    const catalogue = await createCatalogue({ ...place.parts, explicit: false });
    await catalogue.close();
    expect(Object.keys(catalogue.current().config.people)).toEqual(['you', 'sam']);
    expect(catalogue.current().policy.rules).toEqual([]);
  });
});

describe('policy.yaml', () => {
  const rule = (text: string) => `rules:\n  - { name: a, ${text} }\n`;
  it.each([
    [rule('decide: atuo'), '2:24 rules[0].decide: this is not one of the values it may have'],
    [rule('decide: approve'), '2:5 the rule asks, and does not say whom'],
    [rule('decide: approve, by: sr'), '2:37 there is no group or person "sr" in tocsin.yaml'],
    [rule('decide: approve, by: sre, quorum: 3'), '2:50 so many approvals can never come together'],
    [rule('decide: deny, by: sre'), '2:30 "by" has no effect where the decision is deny'],
    [rule('decide: auto, limit: {}'), '2:37 the limit is empty'],
    [rule('decide: auto, limit: { perTarget: often }'), '2:50 rules[0].limit.perTarget: "often" is not a rate'],
    [
      rule('decide: auto, limit: { perTarget: 012 per 1h }'),
      '2:50 rules[0].limit.perTarget: "012 per 1h" is not a rate',
    ],
    [
      rule('decide: auto, limit: { perTarget: 99999999999999999999 per 1h }'),
      '2:50 rules[0].limit.perTarget: "99999999999999999999 per 1h" is not a rate',
    ],
    [rule('decide: auto, limit: { perHour: 5, concurrency: 3 }'), '2:51 "concurrency"'],
    [rule('decide: auto, limit: { concurrency: 3 }'), '2:39 "concurrency" has no effect in this version'],
    [rule('decide: auto, cooldown: 5m'), '2:30 "cooldown"'],
    [rule('decide: auto, when: "event.lables.env == 1"'), '2:43 rules[0].when: there is no field "lables" here'],
    [rule('decide: auto, when: "labels.env.matches(\'(a+)+\')"'), '2:'],
    [rule('decide: auto, when: runbook.risk'), '2:'],
    ['rules: [{ name: a, decide: auto }, { name: b, decide: deny }]', '1:36 no event comes as far as this rule'],
    [
      'rules: [{ name: a, decide: auto, when: "1 == 1" }, { name: a, decide: deny }]',
      '1:60 a decision names its rule, so that two rules cannot have one name',
    ],
  ])('%j', async (text, expected) => {
    const problems = await problemsOf({ 'policy.yaml': text });
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^policy\\.yaml:${RegExp.escape(expected)}`))]);
  });

  it('says that matches() is refused, and what to use', async () => {
    const [problem] = await problemsOf({ 'policy.yaml': rule('decide: auto, when: "labels.env.matches(\'a\')"') });
    expect(problem).toMatch(/matches/);
  });
});

describe('a catalogue', () => {
  it('does not start with broken files, and tells all that is wrong', async () => {
    const place = await put({ 'tocsin.yaml': `${config}peopel: {}\n`, 'runbooks/a.yaml': 'title: A\n' });
    await expect(createCatalogue(place.parts)).rejects.toMatchObject({
      code: 'file-invalid',
      message: expect.stringMatching(/runbooks\/a\.yaml:1:1[\s\S]*tocsin\.yaml:6:1[\s\S]*people/),
    });
  });

  it('keeps the last good set after a broken edit, says so, and takes the repair', async () => {
    const place = await put({ 'runbooks/a.yaml': goodRunbook });
    const catalogue = await createCatalogue(place.parts);
    const seen: number[] = [];
    const stop = catalogue.onChange(() => seen.push(catalogue.problems().length));
    const good = catalogue.current();
    await place.write({ 'runbooks/a.yaml': goodRunbook.replace('risk: low', 'risk: lw') });
    await catalogue.reload();
    expect(brief(catalogue.problems(), place.folder)).toEqual([expect.stringMatching(/^runbooks\/a\.yaml:2:7 /)]);
    expect(catalogue.current()).toMatchObject({ digest: good.digest, runbooks: good.runbooks });
    expect(catalogue.current().view.problems).toHaveLength(1);
    await catalogue.reload();
    await place.write({ 'runbooks/a.yaml': goodRunbook.replace('risk: low', 'risk: high') });
    await catalogue.reload();
    expect(catalogue.problems()).toEqual([]);
    expect(catalogue.current().runbooks.get('a')?.risk).toBe('high');
    stop();
    await place.write({ 'runbooks/a.yaml': goodRunbook });
    await catalogue.reload();
    await catalogue.close();
    // Nothing changed for the second reload, and nobody listened to the last.
    expect(seen).toEqual([1, 0]);
  });

  it('logs warnings, which leave the files in force', async () => {
    const place = await put({ 'runbooks/a.yaml': goodRunbook.replace('source: alertmanager', 'source: grafana') });
    const told: string[] = [];
    const log = { ...silentLog, warn: (_facts: object, message = '') => void told.push(message) };
    const catalogue = await createCatalogue({ ...place.parts, log });
    await catalogue.close();
    expect(told).toEqual([expect.stringContaining('there is no source "grafana"')]);
    expect([catalogue.problems(), catalogue.current().view.problems]).toEqual([[], []]);
    expect(await checkFiles(place.parts)).toHaveLength(1);
  });

  it('sees an edit by itself', async () => {
    const place = await put({ 'runbooks/a.yaml': goodRunbook });
    const catalogue = await createCatalogue({ ...place.parts, watch: true });
    const changed = new Promise<void>(resolve => catalogue.onChange(resolve));
    await place.write({ 'runbooks/a.yaml': goodRunbook.replace('risk: low', 'risk: high') });
    await changed;
    expect(catalogue.current().runbooks.get('a')?.risk).toBe('high');
    await catalogue.close();
  });
});
