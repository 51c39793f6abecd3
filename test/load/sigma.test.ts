import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { checkFiles, createCatalogue } from '../../src/load/index.ts';
import records from '../../src/sources/records/index.ts';
import { brief, makePlace, type Place } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.remove();
});

const config = `people: { you: {} }
groups: { sre: [you] }
operators: [sre]
sources:
  records:
    token: a-token
    sigma:
      files: [./sigma]
      logsources: [{ product: linux, service: sshd }]
`;

const good = `title: Login as root
id: root-login
logsource: { product: linux, service: sshd }
detection:
  selection:
    user: root
  condition: selection
`;

async function put(files: Record<string, string>, over = config): Promise<Place> {
  const place = await makePlace({ 'tocsin.yaml': over, 'policy.yaml': 'rules: []\n', ...files });
  places.push(place);
  const sources = new Map([...place.parts.sources, [records.id, records as never]]);
  return { ...place, parts: { ...place.parts, sources } };
}

async function problemsOf(files: Record<string, string>, over?: string): Promise<string[]> {
  const place = await put(files, over);
  return brief(await checkFiles(place.parts), place.folder);
}

async function rulesOf(files: Record<string, string>): Promise<string[]> {
  const place = await put(files);
  const catalogue = await createCatalogue({ ...place.parts, watch: false });
  await catalogue.close();
  return (catalogue.current().sources.get('records')?.rules ?? []).map(({ name }) => name);
}

describe('the rules of a source', () => {
  test('are those of all files below the folder, several in one file too', async () => {
    const several = `${good.replaceAll('root', 'one')}---\n${good.replaceAll('root', 'two')}`;
    const found = await rulesOf({
      'sigma/a.yml': good,
      'sigma/deep/er/b.yaml': several,
      'sigma/readme.md': 'no rule',
      'sigma/.hidden/c.yml': 'no: rule',
    });
    expect(found).toEqual(['root-login', 'one-login', 'two-login']);
  });

  test('a file that is a link is read, as a mounted ConfigMap has them', async () => {
    const place = await put({ 'sigma/..data/a.yml': good });
    await symlink(join('..data', 'a.yml'), join(place.folder, 'sigma', 'a.yml'));
    const catalogue = await createCatalogue({ ...place.parts, watch: false });
    expect(catalogue.current().sources.get('records')?.rules).toHaveLength(1);
    await catalogue.close();
  });

  test('each mistake has its place, and names what is allowed', async () => {
    const wrong = good.replace('user: root', 'user|fieldref: other').replace('Login as', 'Wrong as');
    const found = await problemsOf({
      'sigma/a.yml': `${good}---\n${wrong}`,
      'sigma/b.yml': good
        .replace('condition: selection', 'condition: 1 of selection* and not filter')
        .replace('root-login', 'other'),
    });
    expect(found).toEqual([
      expect.stringMatching(/sigma\/a\.yml:14:20 rule "Wrong as root": the modifier `fieldref` is not supported/),
      expect.stringMatching(/sigma\/b\.yml:7:38 rule "Login as root": there is no `filter` in the detection/),
    ]);
  });

  test('what is no YAML, a missing folder, two rules of a name', async () => {
    expect(await problemsOf({ 'sigma/a.yml': 'a: [' })).toEqual([expect.stringMatching(/sigma\/a\.yml/)]);
    expect(await problemsOf({})).toEqual([expect.stringMatching(/sigma:1:1 the rules cannot be read/)]);
    expect(await problemsOf({ 'sigma/a.yml': good, 'sigma/b.yml': good })).toEqual([
      expect.stringMatching(/sigma\/b\.yml:2.*there is a second rule "root-login"/),
    ]);
  });

  test('a rule of other records is a warning, and the files are in force', async () => {
    const other = good.replace('service: sshd', 'service: auditd');
    expect(await problemsOf({ 'sigma/a.yml': other })).toEqual([expect.stringMatching(/sigma\/a\.yml:3.*left out/)]);
    expect(await rulesOf({ 'sigma/a.yml': other })).toEqual([]);
  });

  test('a rule of detect with the same name is refused', async () => {
    const both = config.replace('    sigma:', '    detect: [{ name: root-login }]\n    sigma:');
    expect(await problemsOf({ 'sigma/a.yml': good }, both)).toEqual([
      expect.stringMatching(/sigma\/a\.yml:2:.*there is a second rule/),
    ]);
  });

  test('the condition of a logsource is checked in tocsin.yaml', async () => {
    const wrong = config.replace('service: sshd }', 'service: sshd, where: "record.a ==" }');
    expect(await problemsOf({ 'sigma/a.yml': good }, wrong)).toEqual([expect.stringMatching(/tocsin\.yaml:9/)]);
  });

  test('are read again when a file changes', async () => {
    const place = await put({ 'sigma/a.yml': good });
    const catalogue = await createCatalogue({ ...place.parts, watch: false });
    await place.write({ 'sigma/b.yml': good.replace('root-login', 'second') });
    await catalogue.reload();
    expect(catalogue.current().sources.get('records')?.rules).toHaveLength(2);
    await rm(join(place.folder, 'sigma', 'a.yml'));
    await catalogue.reload();
    expect((catalogue.current().sources.get('records')?.rules ?? []).map(({ name }) => name)).toEqual(['second']);
    await catalogue.close();
  });
});
