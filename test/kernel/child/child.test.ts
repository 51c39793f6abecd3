import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { showArgv } from '../../../src/kernel/child/argv.ts';
import { type ChildCommand, type ChildIo, createChildren } from '../../../src/kernel/child/child.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-child-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const children = createChildren({ clock: systemClock, log: silentLog, path, home: folder, tmp: folder });

let count = 0;
/** A marker of its own for every child, so that tests never meet each other's processes. */
const newMarker = () => `test-${process.pid}-${Date.now()}/step/${++count}`;

async function run(command: ChildCommand, io: Partial<ChildIo> = {}) {
  const out = { stdout: '', stderr: '' };
  const marker = io.marker ?? newMarker();
  const onOutput = (chunk: Buffer, stream: 'stdout' | 'stderr') => {
    out[stream] += chunk.toString('latin1');
  };
  const end = await children.spawn(command, {
    marker,
    signal: new AbortController().signal,
    grace: 100,
    onOutput,
    ...io,
  });
  return { ...end, ...out, marker };
}

const sh = (code: string, ...args: string[]): ChildCommand => ({ argv: ['sh', '-c', code, 'sh', ...args] });
const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    // A zombie still answers; what counts is whether it can do anything.
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
};

function isInheritable(fd: string): boolean {
  try {
    const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & 0o2000000) === 0;
  } catch {
    return false;
  }
}

/** How often, in many looks at all processes, one had the word in its command line: a single look misses what forks on. */
function sightings(word: string): number {
  let count = 0;
  for (let look = 0; look < 100; look++) {
    for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
      try {
        if (readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(word)) count++;
      } catch {
        // It ended meanwhile.
      }
    }
  }
  return count;
}

/** Starts a child, waits until it printed `ready`, and gives what is needed to stop it. */
async function started(command: ChildCommand, grace = 100) {
  const stop = new AbortController();
  const marker = newMarker();
  let text = '';
  const ready = Promise.withResolvers<void>();
  const end = children.spawn(command, {
    marker,
    signal: stop.signal,
    grace,
    onOutput(chunk) {
      text += chunk.toString();
      if (text.includes('ready')) ready.resolve();
    },
  });
  await Promise.race([ready.promise, end]);
  return { end, stop, marker, pids: () => [...text.matchAll(/pid=(\d+)/g)].map(match => Number(match[1])) };
}

describe('a normal end', () => {
  it('gives the exit code and both outputs', async () => {
    expect(await run(sh('echo out; echo err >&2; exit 3'))).toMatchObject({
      exitCode: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  it('gives the signal that ended it', async () => {
    expect(await run(sh('kill -9 $$'))).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  });

  it('passes argv bytes on unchanged', async () => {
    const hostile = [
      '',
      ' ',
      'a b',
      '-x',
      '--',
      '$(touch x)',
      '`id`',
      "'",
      '"',
      '\\',
      '*',
      '%s',
      'a\nb',
      'ünï🎉',
      '\u202e',
      '\x1b[31m',
    ];
    const { stdout } = await run({
      argv: [
        'python3',
        '-c',
        'import sys,os; sys.stdout.buffer.write(b"\\0".join(os.fsencode(a) for a in sys.argv[1:]))',
        ...hostile,
      ],
    });
    expect(Buffer.from(stdout, 'latin1').toString().split('\0')).toEqual(hostile);
  });

  it('gives a clean environment with the marker, which cannot be taken away', async () => {
    process.env['TOCSIN_TEST_CANARY'] = 'must not be seen';
    const { stdout, marker } = await run({ argv: ['env'], env: { EXTRA: 'x=y', TOCSIN_STEP: 'stolen' } });
    const lines = stdout.trim().split('\n').sort();
    expect(lines).toEqual(
      [
        `EXTRA=x=y`,
        `HOME=${folder}`,
        'LANG=C.UTF-8',
        `PATH=${path}`,
        `TMPDIR=${folder}`,
        `TOCSIN_STEP=${marker}`,
        'TZ=UTC',
      ].sort(),
    );
    delete process.env['TOCSIN_TEST_CANARY'];
  });

  it('inherits no descriptor', async () => {
    const { stdout } = await run({ argv: ['python3', '-c', 'import os; print(sorted(os.listdir("/proc/self/fd")))'] });
    // The listing itself opens one. What this process was itself given by its parent, open for all descendants, is not ours to close.
    const given = readdirSync('/proc/self/fdinfo').filter(fd => Number(fd) > 2 && isInheritable(fd));
    expect(JSON.parse(stdout.replaceAll("'", '"')).filter((fd: string) => !given.includes(fd))).toEqual([
      '0',
      '1',
      '2',
      '3',
    ]);
  });

  it('reads /dev/null, or what it is given', async () => {
    expect((await run({ argv: ['cat'] })).stdout).toBe('');
    expect((await run({ argv: ['cat', '/dev/stdin'], stdin: 'given\0text' })).stdout).toBe('given\0text');
    const long = 'x'.repeat(3_000_000);
    expect((await run({ argv: ['wc', '-c'], stdin: long })).stdout.trim()).toBe('3000000');
  });

  it('may leave its input unread', async () => {
    expect(await run({ argv: ['true'], stdin: 'x'.repeat(3_000_000) })).toMatchObject({ exitCode: 0 });
  });

  it('can open its outputs by name', async () => {
    expect(await run({ argv: ['bash', '-c', 'echo oops > /dev/stderr; echo fine > /dev/stdout'] })).toMatchObject({
      stdout: 'fine\n',
      stderr: 'oops\n',
    });
  });

  it('runs in the home folder, or where it is told to', async () => {
    expect((await run({ argv: ['pwd'] })).stdout.trim()).toBe(folder);
    expect((await run({ argv: ['pwd'], cwd: '/' })).stdout.trim()).toBe('/');
  });

  it('leaves a daemon alive that was started on purpose, also one that goes on writing', async () => {
    const file = join(folder, 'ticks');
    const { stdout, exitCode } = await run(
      sh(
        'setsid sh -c "trap \'\' HUP; while :; do echo tick; echo x >> $1; sleep 0.02; done" & echo "pid=$!"; exit 0',
        file,
      ),
    );
    const pid = Number(/pid=(\d+)/.exec(stdout)?.[1]);
    expect(exitCode).toBe(0);
    const ticks = () => (existsSync(file) ? readFileSync(file, 'utf8').length : 0);
    const before = ticks();
    // Several more lines that nobody keeps: a closed pipe would have killed it at the first.
    await expect.poll(ticks, { timeout: 20_000 }).toBeGreaterThan(before + 4);
    expect(alive(pid)).toBe(true);
    process.kill(-pid, 'SIGKILL');
  });

  it('brings no byte out of order or lost under back-pressure', async () => {
    let [bytes, inside, most] = [0, 0, 0];
    await run(sh('seq 1 200000'), {
      async onOutput(chunk) {
        inside++;
        most = Math.max(most, inside);
        await new Promise(resolve => setImmediate(resolve));
        bytes += chunk.length;
        inside--;
      },
    });
    expect(bytes).toBe(1_288_895);
    expect(most).toBe(1);
  });

  it('goes on when the reader fails', async () => {
    const end = await run(sh('seq 1 100000; echo done > "$1"', join(folder, 'reader-failed')), {
      onOutput() {
        throw new Error('disk full');
      },
    });
    expect(end.exitCode).toBe(0);
    expect(existsSync(join(folder, 'reader-failed'))).toBe(true);
  });

  it('leaves nothing in the folder for temporary files', () => {
    expect(readdirSync(folder).filter(name => name.startsWith('tocsin-'))).toEqual([]);
  });
});

describe('what cannot be started', () => {
  it.each<[string, ChildCommand, string]>([
    ['no program', { argv: [] }, 'argv-invalid'],
    ['an empty program', { argv: [''] }, 'argv-invalid'],
    ['a program that begins with a dash', { argv: ['-c', 'x'] }, 'argv-invalid'],
    ['a NUL', { argv: ['echo', 'a\0b'] }, 'argv-invalid'],
    ['a NUL in a variable', { argv: ['echo'], env: { A: 'a\0b' } }, 'argv-invalid'],
    ['a variable with a strange name', { argv: ['echo'], env: { 'A=B': 'x' } }, 'argv-invalid'],
    ['one huge argument', { argv: ['echo', 'x'.repeat(200_000)] }, 'argv-invalid'],
    [
      'many long arguments',
      { argv: ['echo', ...Array.from({ length: 60 }, () => 'x'.repeat(100_000))] },
      'spawn-failed',
    ],
    ['a missing program', { argv: ['no-such-program-here'] }, 'program-missing'],
    ['a missing path', { argv: ['/no/such/program'] }, 'program-missing'],
    ['a folder as program', { argv: ['/tmp'] }, 'program-missing'],
    ['a file that is not executable', { argv: ['/etc/passwd'] }, 'program-missing'],
    ['a missing folder', { argv: ['true'], cwd: '/no/such/folder' }, 'argv-invalid'],
  ])('%s', async (_, command, code) => {
    await expect(run(command)).rejects.toMatchObject({ code });
  });

  it('says where it looked', async () => {
    await expect(run({ argv: ['no-such-program-here'] })).rejects.toMatchObject({
      allowed: expect.stringContaining(path),
    });
  });

  it('does not start when it is aborted already', async () => {
    const file = join(folder, 'never');
    const reason = new Error('cancelled');
    await expect(run({ argv: ['touch', file] }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(existsSync(file)).toBe(false);
  });

  it('does not repeat a secret in the error', async () => {
    const error = await run({ argv: ['true'], env: { TOKEN: `canary-${'x'.repeat(200_000)}` } }).catch(e => e);
    expect(JSON.stringify(error)).not.toContain('canary');
  });
});

describe('an abort', () => {
  it('ends a child by TERM', async () => {
    const child = await started({ argv: ['sh', '-c', 'echo ready; exec sleep 60'] }, 10_000);
    child.stop.abort();
    expect(await child.end).toEqual({ exitCode: null, signal: 'SIGTERM' });
  });

  it('lets it clean up within the grace', async () => {
    const file = join(folder, 'cleaned');
    const child = await started(
      sh('trap \'echo tidy > "$1"; exit 7\' TERM; echo ready; while :; do sleep 0.05; done', file),
      20_000,
    );
    child.stop.abort();
    expect(await child.end).toEqual({ exitCode: 7, signal: null });
    expect(readFileSync(file, 'utf8')).toBe('tidy\n');
  });

  it('ends one that ignores TERM by KILL', async () => {
    const child = await started(sh("trap '' TERM; echo ready; while :; do sleep 0.05; done"));
    child.stop.abort();
    expect(await child.end).toEqual({ exitCode: null, signal: 'SIGKILL' });
  });

  it('ends a stopped one', async () => {
    const child = await started(sh('echo ready; kill -STOP $$; sleep 60'));
    child.stop.abort();
    expect((await child.end).exitCode).toBe(null);
  });

  it('leaves no descendant: setsid, double fork, a cleared environment, TERM ignored', async () => {
    const child = await started(
      sh(`setsid sh -c 'echo pid=$$; trap "" TERM; while :; do sleep 0.05; done' &
          (setsid sh -c 'echo pid=$$; exec sleep 600' &) 
          env -i setsid sh -c 'echo pid=$$; exec sleep 600' &
          env -i sh -c 'echo pid=$$; trap "" TERM; while :; do sleep 0.05; done' &
          sleep 0.4; echo ready; wait`),
    );
    const pids = child.pids();
    expect(pids).toHaveLength(4);
    expect(pids.every(alive)).toBe(true);
    child.stop.abort();
    await child.end;
    expect(pids.filter(alive)).toEqual([]);
  });

  it('leaves no descendant when the main child has gone already and a grandchild keeps the output open', async () => {
    const stop = new AbortController();
    let text = '';
    const marker = newMarker();
    const end = children.spawn(sh('setsid sh -c "echo pid=\\$\\$; while :; do echo tick; sleep 0.01; done" & exit 0'), {
      marker,
      signal: stop.signal,
      grace: 50,
      onOutput(chunk) {
        text += chunk.toString();
        if (text.includes('tick')) stop.abort();
      },
    });
    await end;
    const pid = Number(/pid=(\d+)/.exec(text)?.[1]);
    expect(alive(pid)).toBe(false);
  });

  it('ends hundreds of children', async () => {
    const child = await started(sh('for i in $(seq 1 300); do setsid sleep 600 & done; echo ready; wait'));
    child.stop.abort();
    await child.end;
    expect(await children.reap(child.marker, 0)).toBe(0);
  });

  it('ends a chain that forks as fast as it can', async () => {
    const token = `chain-${process.pid}-${Date.now()}`;
    const code = [
      'import os,signal,time',
      'signal.signal(15,signal.SIG_IGN)',
      'print("ready",flush=True)',
      'end=time.time()+120',
      'while time.time()<end:',
      '  if os.fork(): os._exit(0)',
      '  os.setsid()',
      '  time.sleep(0.001)',
    ].join('\n');
    const child = await started({ argv: ['python3', '-c', code, token] });
    expect(sightings(token)).toBeGreaterThan(0);
    child.stop.abort();
    await child.end;
    expect(sightings(token)).toBe(0);
  });

  it('comes by itself when the command has a time-out', async () => {
    const end = await run({ argv: ['sleep', '600'], timeout: 50 });
    expect(end).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  });

  it('is not held up by a reader that never comes back', async () => {
    const stop = new AbortController();
    const end = run(sh('echo x; exec sleep 600'), {
      signal: stop.signal,
      onOutput() {
        stop.abort();
        return new Promise(() => {});
      },
    });
    expect((await end).signal).toBe('SIGTERM');
  });
});

describe('reap', () => {
  it('ends by exact marker and by prefix, and nothing else', async () => {
    const run1 = `reap-${process.pid}-${Date.now()}`;
    const start = async (marker: string) => {
      let pid = 0;
      await children.spawn(sh('setsid sh -c "echo \\$\\$; exec sleep 600 >/dev/null 2>&1" & sleep 0.1'), {
        marker,
        signal: new AbortController().signal,
        grace: 0,
        onOutput: chunk => {
          pid = Number(chunk.toString());
        },
      });
      return pid;
    };
    const [a, b, c, d] = [
      await start(`${run1}/a/1`),
      await start(`${run1}/a/10`),
      await start(`${run1}/b/1`),
      await start(`${run1}0/a/1`),
    ];
    expect([a, b, c, d].map(alive)).toEqual([true, true, true, true]);
    expect(await children.reap(`${run1}/a/1`, 0)).toBe(1);
    expect([a, b, c, d].map(alive)).toEqual([false, true, true, true]);
    expect(await children.reap(`${run1}/`)).toBe(2);
    expect([a, b, c, d].map(alive)).toEqual([false, false, false, true]);
    expect(await children.reap(`${run1}0/a/1`)).toBe(1);
    expect(await children.reap(`${run1}0/a/1`)).toBe(0);
  });
});

describe('a killed Tocsin', () => {
  it('takes its children with it, and reap finds the rest', async () => {
    const marker = newMarker();
    const host = join(folder, 'host.ts');
    const source = new URL('../../../src/kernel/', import.meta.url).href;
    writeFileSync(
      host,
      `import { createChildren } from '${source}child/child.ts';
       import { systemClock } from '${source}clock.ts';
       import { silentLog } from '${source}log.ts';
       const children = createChildren({ clock: systemClock, log: silentLog, path: '${path}', home: '/', tmp: '${folder}' });
       children.spawn({ argv: ['python3', '-c', 'import os,time\\nif os.fork()==0: os.setsid()\\nprint("pid=%d" % os.getpid(), flush=True)\\ntime.sleep(600)'] },
         { marker: '${marker}', signal: new AbortController().signal, grace: 0, onOutput: chunk => { process.stdout.write(chunk) } });`,
    );
    const { spawn } = await import('node:child_process');
    const tocsin = spawn(process.execPath, [host], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    await new Promise<void>(resolve => {
      tocsin.stdout.on('data', chunk => {
        text += chunk;
        if ((text.match(/pid=/g) ?? []).length === 2) resolve();
      });
    });
    const pids = [...text.matchAll(/pid=(\d+)/g)].map(match => Number(match[1]));
    const gone = new Promise(resolve => tocsin.once('exit', resolve));
    tocsin.kill('SIGKILL');
    await gone;
    // The main child dies by the kernel's hand; the grandchild, which no signal reaches, is found by its marker.
    await expect.poll(() => pids.filter(alive).length).toBe(1);
    expect(await children.reap(`${marker.split('/')[0]}/`)).toBe(1);
    expect(pids.filter(alive)).toEqual([]);
  });
});

describe('isolate', () => {
  const allowed = (() => {
    try {
      execFileSync('unshare', ['--pid', '--fork', '--mount-proc', '--kill-child', 'true'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

  it.runIf(allowed)('gives a PID namespace in which nothing outlives the program', async () => {
    const { stdout, exitCode, marker } = await run({
      argv: ['sh', '-c', 'setsid sleep 600 & echo $$; ls -d /proc/[0-9]* | wc -l; exit 5'],
      isolate: true,
    });
    expect(exitCode).toBe(5);
    expect(stdout.split('\n')[0]).toBe('1');
    expect(Number(stdout.split('\n')[1])).toBeLessThan(10);
    await expect.poll(() => children.reap(marker, 0)).toBe(0);
  });

  it('is refused with a clear error where it is not possible', async () => {
    const elsewhere = createChildren({ clock: systemClock, log: silentLog, path: folder, home: folder });
    const io = { marker: newMarker(), signal: new AbortController().signal, grace: 0, onOutput: () => {} };
    await expect(elsewhere.spawn({ argv: ['/bin/true'], isolate: true }, io)).rejects.toMatchObject({
      code: 'isolation-unavailable',
    });
    // Without setpriv and mkfifo in reach the rest still works.
    expect(await elsewhere.spawn({ argv: ['/bin/true'] }, io)).toEqual({ exitCode: 0, signal: null });
  });
});

describe('showArgv', () => {
  it('quotes what could be misread', () => {
    expect(showArgv(['ssh', 'web-1', '--', 'df', '-h', '/var'])).toBe('ssh web-1 -- df -h /var');
    expect(showArgv(['echo', '', 'a b', 'a"b', '\u202e', '\\u202e', '; rm', 'ünï'])).toBe(
      String.raw`echo "" "a b" "a\"b" "\u202e" "\\u202e" "; rm" "ünï"`,
    );
  });
});
