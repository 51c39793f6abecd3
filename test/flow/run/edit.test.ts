import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../../doubles/app.ts';
import { auto } from '../files.ts';

const runbook = (word: string) => `
title: Say a word
risk: low
on:
  - source: alertmanager
    match: { alertname: Hello }
steps:
  - id: say
    exec: [echo, ${word}]
`;

let test: TestApp;
afterEach(() => test.stop());

const ready = async () => await (await fetch(`${test.app.url}/readyz`)).json();
/** The first page of the console, as somebody who signed in sees it. */
async function page(): Promise<string> {
  const { url } = test.app;
  const entered = await fetch(`${url}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: url },
    body: new URLSearchParams({ token: tokens['ALICE'] ?? '' }),
  });
  const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return await (await fetch(`${url}/`, { headers: { cookie } })).text();
}
const problems = () =>
  test.until(async () => {
    const { problems: found } = (await ready()) as { problems: { file: string; line: number; message: string }[] };
    return found.length > 0 ? found : null;
  });
const healed = () => test.until(async () => ((await ready()) as { problems: unknown[] }).problems.length === 0);

/** What a new alert makes the runbook print. */
async function said(fingerprint: string): Promise<unknown> {
  const { alert } = await test.alert({ alertname: 'Hello' }, { fingerprint });
  const run = await test.until(async () => (await test.runs()).find(one => one.alert === alert));
  return (await test.ended(run.id)).steps[0]?.output;
}

describe('a broken edit while it runs', () => {
  it.each([
    ['a runbook', 'runbooks/say.yaml', `${runbook('worse')}oops: 1\n`, /there is no "oops"/],
    ['the policy', 'policy.yaml', 'rules:\n  - name: all\n    decide: atuo\n', /decide/],
    ['tocsin.yaml', 'tocsin.yaml', 'people: [\n', /./],
  ])(
    'of %s keeps the last good set, says so on /readyz and in the console, and takes the repair',
    async (_name, file, broken, message) => {
      test = await startTestApp({ 'policy.yaml': auto, 'runbooks/say.yaml': runbook('good') });
      const good = await readFile(join(test.folder, file), 'utf8');
      await writeFile(join(test.folder, file), broken);
      const [problem] = await problems();
      expect(problem).toMatchObject({ file: expect.stringContaining(file), message: expect.stringMatching(message) });
      expect(await ready()).toMatchObject({
        ready: true,
        well: false,
        parts: { files: expect.stringContaining('the last good set is in force'), store: null },
      });
      const banner = await test.until(async () => /id="problem-banner".*<\/section>/s.exec(await page())?.[0]);
      expect(banner).toContain('The last good set stays in force');
      expect(banner).toContain(`${file}:`);
      expect(await said('f1')).toMatchObject({ stdout: 'good\n' });
      await writeFile(join(test.folder, file), file.endsWith('say.yaml') ? runbook('better') : good);
      await healed();
      await test.until(async () => !(await page()).includes('problem-banner'));
      expect(await said('f2')).toMatchObject({ stdout: file.endsWith('say.yaml') ? 'better\n' : 'good\n' });
    },
  );

  it('does not stop a run that is under way, also when its file is gone', async () => {
    test = await startTestApp({
      'policy.yaml': auto,
      'runbooks/say.yaml': `${runbook('one')}  - id: rest\n    wait: 700ms\n  - id: two\n    exec: [echo, two]\n`,
    });
    const { alert } = await test.alert({ alertname: 'Hello' });
    const run = await test.until(async () => (await test.runs()).find(one => one.alert === alert));
    await test.until(async () => (await test.app.store.run(run.id))?.steps[1]?.state === 'waiting');
    await rm(join(test.folder, 'runbooks/say.yaml'));
    await test.app.catalogue.reload();
    expect(test.app.catalogue.current().runbooks.size).toBe(0);
    expect(await test.ended(run.id)).toMatchObject({
      state: 'succeeded',
      steps: [{}, {}, { output: { stdout: 'two\n' } }],
    });
  });
});
