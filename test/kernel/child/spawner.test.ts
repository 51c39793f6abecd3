import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Children, createChildren } from '../../../src/kernel/child/child.ts';
import { limitTest } from '../../../src/kernel/child/limit-mark.ts';
import { startHelper } from '../../../src/kernel/child/spawner/connection.ts';
import { type HelperKind, helperKinds } from '../../../src/kernel/child/spawner/kinds.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-spawner-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const made: Children[] = [];
afterEach(() => {
  for (const children of made.splice(0)) children.close();
});
function create(kinds?: readonly HelperKind[]) {
  const children = createChildren({
    clock: systemClock,
    log: silentLog,
    path,
    home: folder,
    tmp: folder,
    ...(kinds === undefined ? {} : { kinds }),
  });
  made.push(children);
  return children;
}

let count = 0;
async function run(children: Children, code: string, given: { env?: Record<string, string>; stdin?: string } = {}) {
  const out = { stdout: '', stderr: '' };
  const marker = `spawner-${process.pid}-${Date.now()}/step/${++count}`;
  const end = await children.spawn(
    { argv: ['sh', '-c', code], ...given },
    {
      marker,
      signal: new AbortController().signal,
      grace: 100,
      onOutput: (chunk, stream) => {
        out[stream] += chunk.toString();
      },
    },
  );
  return { ...end, ...out, marker };
}

/** The processes of this test that are spawn helpers, by pid. */
function helpers(parent = process.pid): number[] {
  return pids().filter(
    pid => parentOf(pid) === parent && /spawner\/helper\.(ts|pl)$|tocsin-spawn/m.test(argvOf(pid).join('\n')),
  );
}
const pids = () =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number);
const readOf = (pid: number, file: string) => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
};
const argvOf = (pid: number) => readOf(pid, 'cmdline').split('\0');
const parentOf = (pid: number) =>
  Number(
    readOf(pid, 'stat')
      .replace(/^.*\) /s, '')
      .split(' ')[1],
  );
const isAlive = (pid: number) => !/^(.*\) Z|$)/s.test(readOf(pid, 'stat'));

const kinds = await helperKinds({ path, deathSignal: async () => ['setpriv', '--pdeathsig', 'KILL', '--'] });

/** Without a compiler there is none; where everything must be tested, that fails. */
const compiled = kinds.some(kind => kind.name === 'native') || process.env['CI'] === 'true';

it.runIf(compiled)(
  'is the compiled program first, then one of Perl, and one of Node where there is no Perl',
  async () => {
    expect(kinds.map(kind => [kind.name, kind.direct])).toEqual([
      ['native', true],
      ['perl', true],
      ['node', false],
    ]);
    const without = await helperKinds({ path: '/nowhere', deathSignal: async () => [] });
    expect(without.map(kind => kind.name)).toEqual(['native', 'node']);
  },
);

describe.each(kinds.map(kind => ({ name: kind.name, kind })))('a program started by a helper of $name', ({ kind }) => {
  it('gets its arguments, folder, input and environment as they were given, and nothing else', async () => {
    const children = create([kind]);
    const words = ['', 'a b', 'ünï\ncode', '$HOME', '=x', '-n'];
    const out: string[] = [];
    const io = {
      marker: `exact/${kind.name}/1`,
      signal: new AbortController().signal,
      grace: 100,
      onOutput: (chunk: Buffer) => void out.push(chunk.toString()),
    };
    const code = 'pwd; for word; do printf "<%s>" "$word"; done; cat; env';
    const env = { ODD: 'a=b\nc', EMPTY: '' };
    const argv = ['sh', '-c', code, 'sh', ...words];
    await children.spawn({ argv, cwd: '/usr', env, stdin: 'in\0put\n' }, io);
    const [folder, ...rest] = out.join('').split('\n');
    expect(folder).toBe('/usr');
    expect(rest.join('\n')).toContain(`${words.map(word => `<${word}>`).join('')}in\0put\n`);
    const names = rest.join('\n').match(/^[A-Z_]+(?==)/gm);
    expect(new Set(names)).toEqual(
      new Set(
        ['ODD', 'EMPTY', 'PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'TOCSIN_STEP', 'PWD', 'OLDPWD', '_'].filter(name =>
          names?.includes(name),
        ),
      ),
    );
    expect(out.join('')).toContain('ODD=a=b\nc\n');
  });

  it('leads a session, has every signal, dies with its helper and bears the mark of its step', async () => {
    const children = create([kind]);
    // The shell reads its mask by itself, before it starts anything: it blocks every signal while it starts a program,
    // and empties the mask afterwards, so that a program that looks from outside may see either.
    const signals = 'while read -r line; do case $line in Sig[BI]*) echo "$line";; esac; done < /proc/$$/status';
    const { stdout, marker } = await run(children, `${signals}; echo $$; ps -o sid=,pgid= -p $$; cat /proc/$$/limits`);
    const [, , pid = '', ids = ''] = stdout.split('\n');
    expect(ids.trim().split(/\s+/)).toEqual([pid, pid]);
    expect(stdout).toMatch(/^SigBlk:\s+0+$/m);
    expect(stdout).toMatch(/^SigIgn:\s+0+$/m);
    expect(limitTest(marker)(stdout)).toBe(true);
  });

  it('ends with its code or its signal', async () => {
    const children = create([kind]);
    expect(await run(children, 'exit 7')).toMatchObject({ exitCode: 7, signal: null });
    expect(await run(children, 'kill -USR1 $$')).toMatchObject({ exitCode: null, signal: 'SIGUSR1' });
  });

  it('that cannot be started is told with what is missing, and the helper goes on', async () => {
    const children = create([kind]);
    const io = { marker: 'missing/a/1', signal: new AbortController().signal, grace: 100, onOutput() {} };
    await expect(children.spawn({ argv: ['no-such-program'] }, io)).rejects.toMatchObject({ code: 'program-missing' });
    await expect(children.spawn({ argv: ['/etc/passwd'] }, io)).rejects.toMatchObject({ code: 'program-missing' });
    await expect(children.spawn({ argv: ['true'], cwd: '/nowhere' }, io)).rejects.toMatchObject({
      code: 'argv-invalid',
    });
    expect((await run(children, 'exit 3')).exitCode).toBe(3);
    expect(children.impaired()).toBeNull();
  });

  it('of which nothing is left when it was killed with its helper', async () => {
    const children = create([kind]);
    const first = await run(children, 'echo $PPID');
    const pidFile = join(folder, `left-${kind.name}`);
    const code = `echo $$ > ${pidFile}; kill -9 ${first.stdout.trim()}; exec sleep 300`;
    await expect(run(children, code)).rejects.toMatchObject({ code: 'spawner-lost' });
    expect(isAlive(Number(readFileSync(pidFile, 'utf8')))).toBe(false);
  });
});

it('is told as failed when what its first line names is not there', async () => {
  const children = create();
  const script = join(folder, 'broken');
  writeFileSync(script, '#!/nowhere/at/all\n', { mode: 0o755 });
  const io = { marker: 'missing/b/1', signal: new AbortController().signal, grace: 100, onOutput() {} };
  await expect(children.spawn({ argv: [script] }, io)).rejects.toMatchObject({ code: 'spawn-failed', given: 'ENOENT' });
});

describe('a spawn helper', () => {
  it('is the parent of what it starts, and this process starts nothing itself', async () => {
    const children = create();
    const { stdout } = await run(children, 'echo $PPID');
    expect(helpers()).toContain(Number(stdout));
    expect(children.impaired()).toBeNull();
  });

  it('gets secrets through its channel: neither its arguments nor its environment show them', async () => {
    const children = create();
    const secret = `s3cret-${Math.random()}`;
    const { stdout } = await run(children, 'echo $TOKEN; cat', { env: { TOKEN: secret }, stdin: secret });
    expect(stdout).toBe(`${secret}\n${secret}`);
    for (const pid of helpers()) {
      expect(readOf(pid, 'environ')).not.toContain(secret);
      expect(readOf(pid, 'cmdline')).not.toContain(secret);
    }
  });

  it('is followed by a second one when many start at once, and by no third', async () => {
    const children = create();
    const before = helpers().length;
    const ends = await Promise.all(Array.from({ length: 40 }, (_, index) => run(children, `exit ${index}`)));
    expect(ends.map(end => end.exitCode)).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(helpers().length - before).toBeLessThanOrEqual(2);
  });

  it('that dies in a step leaves nobody behind, and says that nobody knows the end', async () => {
    const children = create();
    const first = await run(children, 'echo $PPID');
    const helper = Number(first.stdout);
    const pidFile = join(folder, 'pids');
    const lost = run(
      children,
      `setsid sleep 300 & echo $! > ${pidFile}; echo $$ >> ${pidFile}; kill -9 ${helper}; sleep 300`,
    );
    await expect(lost).rejects.toMatchObject({ code: 'spawner-lost' });
    const left = readFileSync(pidFile, 'utf8').trim().split('\n').map(Number);
    expect(left).toHaveLength(2);
    expect(left.filter(isAlive)).toEqual([]);
    // The next one is started by a new helper.
    const next = await run(children, 'echo $PPID');
    expect(Number(next.stdout)).not.toBe(helper);
    expect(helpers()).toContain(Number(next.stdout));
  });

  it('that cannot run is done without, and that is said', async () => {
    const children = create([{ name: 'false', argv: ['/bin/false'], direct: true }]);
    const { stdout } = await run(children, 'echo $PPID > /dev/stderr; echo $PPID');
    expect(Number(stdout)).toBe(process.pid);
    expect(children.impaired()).toContain('ended with 1');
  });

  it('that may not set limits leaves its work to the next kind', async () => {
    const perl = kinds.find(kind => kind.name === 'perl');
    const node = kinds.find(kind => kind.name === 'node');
    if (perl === undefined || node === undefined) throw new Error('two kinds were expected');
    // No system has so many calls: it is answered as a filter of system calls answers.
    const argv = perl.argv.with(-2, '99999');
    const children = create([{ ...perl, argv }, node]);
    expect((await run(children, 'exit 5')).exitCode).toBe(5);
    expect([children.helpers(), children.impaired()]).toEqual([['node'], null]);
  });

  it('that is not there at all is done without, and that is said', async () => {
    const children = create([{ name: 'none', argv: [join(folder, 'no-such-program')], direct: true }]);
    expect((await run(children, 'exit 4')).exitCode).toBe(4);
    expect(children.impaired()).toContain('ENOENT');
  });

  it('ends with its parent, also one that is killed while nothing runs', async () => {
    const source = new URL('../../../src/kernel/', import.meta.url).pathname;
    const code = `import { createChildren } from '${source}child/child.ts';
      import { systemClock } from '${source}clock.ts';
      import { silentLog } from '${source}log.ts';
      const children = createChildren({ clock: systemClock, log: silentLog, path: '${path}', home: '/', tmp: '${folder}' });
      await children.spawn({ argv: ['true'] }, { marker: 'idle/a/1', signal: new AbortController().signal, grace: 100, onOutput() {} });
      console.log('idle');
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    const [helper = 0] = helpers(parent.pid);
    expect(helper).toBeGreaterThan(0);
    const ended = once(parent, 'exit');
    parent.kill('SIGKILL');
    await ended;
    // tail ends when the process ends; it waits for nothing else.
    execFileSync('tail', [`--pid=${helper}`, '-f', '/dev/null'], { timeout: 30_000 });
    expect(isAlive(helper)).toBe(false);
  });

  it('does not keep a process alive that has nothing else to do', () => {
    const source = new URL('../../../src/kernel/', import.meta.url).pathname;
    const code = `import { createChildren } from '${source}child/child.ts';
      import { systemClock } from '${source}clock.ts';
      import { silentLog } from '${source}log.ts';
      const children = createChildren({ clock: systemClock, log: silentLog, path: '${path}', home: '/', tmp: '${folder}' });
      const end = await children.spawn({ argv: ['sh', '-c', 'sleep 0.2; exit 3'] }, { marker: 'idle/b/1', signal: new AbortController().signal, grace: 100, onOutput() {} });
      console.log(end.exitCode);`;
    const out = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', code], {
      timeout: 60_000,
      encoding: 'utf8',
    });
    expect(out).toBe('3\n');
  });

  it('leaves nothing in the folder for temporary files', async () => {
    const children = create();
    await Promise.all(Array.from({ length: 20 }, () => run(children, 'cat', { stdin: 'x' })));
    children.close();
    expect(readdirSync(folder).filter(name => name.startsWith('tocsin-'))).toEqual([]);
  });
});

const compiler = ['/usr/bin/cc', '/usr/bin/gcc'].find(file => existsSync(file));

it.runIf(compiler !== undefined || process.env['CI'] === 'true')(
  'the helper of C stays within its memory, however many words an order has',
  async () => {
    const source = new URL('../../../src/kernel/child/spawner/helper.c', import.meta.url).pathname;
    const program = join(folder, 'checked');
    execFileSync(compiler ?? 'cc', ['-g', '-fsanitize=address,undefined', '-o', program, source]);
    const streams = { stdin: null, stdout: null, stderr: null, mark: null };
    // Its first list of words has room for 256: nine of every order, the arguments, the environment and their ends.
    for (let count = 242; count <= 248; count++)
      for (const env of [{}, { A: '1' }, { A: '1', B: '2' }] as Record<string, string>[]) {
        const kind = { name: 'native', argv: [program, String(process.pid)], direct: true };
        const helper = await startHelper(kind, () => {});
        if (typeof helper === 'string') throw new Error(helper);
        const args = Array.from({ length: count }, (_, index) => String(index));
        const { exited } = await helper.spawn({ file: '/bin/true', args, cwd: '/', env, ...streams });
        expect((await exited).exitCode, `${count} arguments, ${Object.keys(env).length} variables`).toBe(0);
        helper.close();
      }
  },
);
