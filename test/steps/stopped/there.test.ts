import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import exec from '../../../src/steps/exec.ts';
import script from '../../../src/steps/script.ts';
import { makeStepContext, sampleRun } from '../../doubles/step-context.ts';
import { missingPostgres, type Postgres, startPostgres } from '../../real/postgres.ts';
import { makeChildren } from './children.ts';
import { endServers, has, type Mariadb, pidsWith, type Sshd, startMariadb, startSshd } from './programs.ts';

/** Programs that work elsewhere: what goes on there when they are stopped here, and what is said of it. */
const folder = mkdtempSync(join(tmpdir(), 'tocsin-there-'));
const children = makeChildren(folder);
const hasSsh = has('ssh', 'sshd', 'ssh-keygen');
const hasPostgres = missingPostgres() === null && has('psql');
const hasMariadb = has('mariadb', 'mariadbd', 'mariadb-install-db');

afterAll(async () => {
  await endServers();
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;
/** A time to sleep that no other process has. */
const oddTime = () => `9${process.pid}.${++count}`;

describe.runIf(hasSsh)('ssh', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd(join(folder, 'ssh'));
  });
  const endRemote = (time: string) => {
    for (const pid of pidsWith(`sleep ${time}`)) process.kill(pid, 'SIGKILL');
  };

  it('without a terminal leaves the remote command running, and that is said', async () => {
    const time = oddTime();
    const child = await children.start({ argv: [...sshd.ssh, `echo ready; sleep ${time}`] });
    expect(await child.stop()).toEqual({ far: 'may go on at 127.0.0.1 (ssh)', left: [] });
    expect(pidsWith(`sleep ${time}`).length).toBeGreaterThan(0);
    endRemote(time);
  });

  it('is seen in a script, by the host that it really runs at', async () => {
    const time = oddTime();
    const code = `host=$(echo 127.0.0.1); ${sshd.ssh.slice(0, -1).join(' ')} "$host" "echo ready; sleep ${time}" | cat; ssh other true`;
    const child = await children.start({ argv: ['timeout', '600', 'bash', '-c', code] });
    expect(await child.stop()).toEqual({ far: 'may go on at 127.0.0.1 (ssh)', left: [] });
    endRemote(time);
  });

  it('with a terminal of its own takes the remote command with it, and nothing is said', async () => {
    const time = oddTime();
    const [ssh = 'ssh', ...rest] = sshd.ssh;
    const child = await children.start({ argv: [ssh, '-tt', ...rest, `echo ready; sleep ${time}`] });
    expect(pidsWith(`sleep ${time}`).length).toBeGreaterThan(0);
    expect(await child.stop()).toEqual({ far: null, left: [] });
    await expect.poll(() => pidsWith(`sleep ${time}`), { timeout: 10_000 }).toEqual([]);
  });

  it.each([
    ['exec', exec, (argv: string[]) => argv],
    ['script', script, (argv: string[]) => argv.map(word => `'${word}'`).join(' ')],
  ] as const)('that ends with 255 without a word says what that means: %s', async (_name, step, write) => {
    const argv = [...sshd.ssh, 'kill -9 $$'];
    const { context } = await makeStepContext();
    const result = await step.run(step.input.parse(write(argv)) as never, context);
    expect(result).toMatchObject({
      state: 'failed',
      exitCode: 255,
      because: 'exit code 255 (ssh: the remote command was killed by a signal or the connection broke)',
    });
  });

  it('that ends with 255 and a reason shows the reason', async () => {
    const { context } = await makeStepContext();
    const argv = ['ssh', '-F', '/dev/null', '-o', 'BatchMode=yes', '-p', '1', '127.0.0.1', 'true'];
    const result = await exec.run(exec.input.parse(argv), context);
    expect(result).toMatchObject({ state: 'failed', because: expect.stringMatching(/^exit code 255: .*refused/i) });
  });

  it('is known from the input of a step whose process was killed', () => {
    expect(exec.far?.(exec.input.parse(['sudo', 'ssh', 'web-1', 'x']), sampleRun())).toEqual([
      { program: 'ssh', at: 'web-1' },
    ]);
    const run = sampleRun({ params: { host: 'web-2' } });
    expect(script.far?.(script.input.parse('set -e\nssh -n "$PARAM_HOST" x'), run)).toEqual([
      { program: 'ssh', at: 'web-2' },
    ]);
  });
});

describe.runIf(hasPostgres)('psql', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.destroy());

  const start = (marker: string, stopSignal: 'TERM' | 'INT') =>
    children.start({
      argv: [
        'psql',
        '-X',
        postgres.address('postgres'),
        '-c',
        '\\echo ready',
        '-c',
        `select pg_sleep(600) /* ${marker} */`,
      ],
      stopSignal,
    });
  const running = async (marker: string) =>
    (
      await postgres.ask(
        `select pid from pg_stat_activity where state = 'active' and query like '%${marker}%' and pid <> pg_backend_pid()`,
      )
    ).length;

  it('leaves its statement running when TERM stops it, and that is said', async () => {
    const child = await start('by-term', 'TERM');
    await expect.poll(() => running('by-term')).toBe(1);
    expect(await child.stop()).toEqual({ far: 'may go on at 127.0.0.1 (psql)', left: [] });
    expect(await running('by-term')).toBe(1);
  });

  it('cancels its statement when INT stops it, and nothing is said', async () => {
    const child = await start('by-int', 'INT');
    await expect.poll(() => running('by-int')).toBe(1);
    expect(await child.stop()).toEqual({ far: null, left: [] });
    expect(child.text()).toContain('canceling statement due to user request');
    await expect.poll(() => running('by-int')).toBe(0);
  });
});

describe.runIf(hasMariadb)('mariadb', () => {
  const place = mkdtempSync(join(tmpdir(), 'tocsin-mariadb-'));
  let mariadb: Mariadb;
  beforeAll(async () => {
    mariadb = await startMariadb(place);
  });
  afterAll(async () => {
    await endServers();
    rmSync(place, { recursive: true, force: true });
  });

  const start = (marker: string, stopSignal: 'TERM' | 'INT') =>
    children.start({
      argv: [
        'mariadb',
        '--no-defaults',
        `--socket=${mariadb.socket}`,
        '-u',
        'root',
        '--unbuffered',
        '-e',
        `select 'ready'; select '${marker}', sleep(600)`,
      ],
      stopSignal,
    });
  const running = (marker: string) =>
    Number(
      mariadb.ask(
        `select count(*) from information_schema.processlist where info like '%${marker}%' and id <> connection_id()`,
      ),
    );

  it('leaves its statement running when TERM stops it, and that is said', async () => {
    const child = await start('by-term', 'TERM');
    await expect.poll(() => running('by-term')).toBe(1);
    expect(await child.stop()).toEqual({ far: 'may go on at its server on this machine (mariadb)', left: [] });
    expect(running('by-term')).toBe(1);
  });

  it('cancels its statement when INT stops it, and nothing is said', async () => {
    const child = await start('by-int', 'INT');
    await expect.poll(() => running('by-int')).toBe(1);
    expect(await child.stop()).toEqual({ far: null, left: [] });
    await expect.poll(() => running('by-int')).toBe(0);
  });
});
