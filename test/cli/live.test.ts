import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { delivery, endAll, ready, start, until } from './process.ts';
import { cli } from './terminal.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-live-'));
});
afterEach(async () => {
  endAll();
  await rm(folder, { recursive: true, force: true });
});

const policy = (decide: string) => `rules:
  - name: what it reads is free
    when: runbook.risk == "none"
    decide: ${decide}
  - name: otherwise ask
    decide: approve
    by: you
`;

async function writeFiles(): Promise<void> {
  await mkdir(join(folder, 'runbooks'));
  await writeFile(
    join(folder, 'tocsin.yaml'),
    'sources: { alertmanager: {} }\npeople: { you: {} }\noperators: [you]\n',
  );
  await writeFile(join(folder, 'policy.yaml'), policy('auto'));
  const on = 'on:\n  - { source: alertmanager, match: { alertname: Test } }\n';
  const say = 'title: Say it\nrisk: none\nparams:\n  word: { type: string, pattern: "[a-z]+", default: nothing }\n';
  const steps = 'steps:\n  - { id: say, exec: [echo, "said ${{ params.word }}"] }\n';
  await writeFile(join(folder, 'runbooks/say.yaml'), `${say}${on}${steps}`);
}

/** The commands against a real process, as a person uses them. */
describe('a running Tocsin', () => {
  test('is talked to by every command', async () => {
    await writeFiles();
    const tocsin = start(folder);
    const { url, key } = await ready(tocsin);
    const env = { TOCSIN_URL: url, TOCSIN_TOKEN: key, TOCSIN_CONFIG: join(folder, 'tocsin.yaml') };
    const run = (...argv: string[]) => cli(argv, { env, cwd: folder });

    const ran = await run('run', 'say', 'word=hello');
    expect([ran.code, ran.out], ran.err).toEqual([0, 'said hello']);
    const wrong = await run('run', 'say', 'word=HELLO');
    expect([wrong.code, wrong.err.includes('params-invalid')], wrong.err).toEqual([1, true]);
    const mistyped = await run('run', 'sya');
    expect(mistyped.err).toContain('say');

    await writeFile(join(folder, 'firing.json'), delivery);
    const sent = await run('send', 'alertmanager', 'firing.json');
    const alert = /alert (\S+)/.exec(sent.out)?.[1] ?? '';
    expect(sent.code).toBe(0);
    const runs = async () => (await (await fetch(`${url}/api/v1/runs?alert=${alert}`)).json()) as { state: string }[];
    await until(async () => (await runs()).length > 0);
    // Nobody signed the event, so nothing starts by itself, whatever the rule says.
    expect((await runs()).map(one => one.state)).toEqual(['waiting']);
    const explained = await run('explain', alert);
    expect(explained.code, explained.err).toBe(0);
    expect(explained.out).toContain('say: applies');
    expect(explained.out).toContain('what it reads is free');

    const verified = await run('audit', 'verify');
    expect([verified.code, /^\d+:[0-9a-f]{64}$/.test(verified.out)], verified.err).toEqual([0, true]);

    const same = await run('replay');
    expect([same.code, same.out], same.out + same.err).toEqual([0, '']);
    await writeFile(join(folder, 'policy.yaml'), policy('deny'));
    const other = await run('replay');
    expect(other.code).toBe(1);
    expect(other.out).toContain(
      'say: was approve by "what it reads is free", would be deny by "what it reads is free"',
    );
    expect(other.err).toContain('1 events replayed, 1 decided differently');

    tocsin.child.kill('SIGTERM');
    expect(await tocsin.ended).toBe(0);
    const offline = await cli(['audit', 'verify', '--checkpoint', verified.out], {
      env: { TOCSIN_DATA: join(folder, 'data'), TOCSIN_LISTEN: new URL(url).host },
      cwd: folder,
    });
    expect(offline.code, offline.err).toBe(0);
  });
});
