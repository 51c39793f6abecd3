import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { limitMarkOf, readLimitMark } from '../../../src/kernel/child/limit-mark.ts';
import { freePort } from '../../real/free-port.ts';
import { makeChildren } from './children.ts';
import {
  childrenOf,
  endServers,
  has,
  isAlive,
  isRoot,
  path,
  pidsWith,
  read,
  type Sshd,
  sshdConfig,
  startSshd,
} from './programs.ts';

/** Real programs as steps that are stopped: what is left of them on this machine is counted in /proc. */
const folder = mkdtempSync(join(tmpdir(), 'tocsin-stopped-'));
const children = makeChildren(folder);
const hasNginx = has('nginx');
const hasSsh = has('ssh', 'sshd', 'ssh-keygen');
const hasPython = has('python3');
const hasCurl = has('curl');

let server: Promise<Sshd> | null = null;
const sshd = () => (server ??= startSshd(join(folder, 'ssh')));

afterAll(async () => {
  await endServers();
  // A test that failed may have left what it looked for: all of it has this folder in its arguments, or a parent that has.
  const left = pidsWith(folder);
  for (const pid of [...left.flatMap(childrenOf), ...left]) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const sh = (code: string, ...args: string[]) => ({ argv: ['sh', '-c', code, 'sh', ...args] });

/** An nginx that becomes a daemon; its processes are those of its pid file. */
async function nginxFolder(name: string) {
  const place = join(folder, name);
  mkdirSync(place);
  const port = await freePort();
  writeFileSync(
    join(place, 'nginx.conf'),
    `${isRoot ? 'user root;\n' : ''}pid ${place}/pid;\nerror_log ${place}/error.log;\nworker_processes 2;\nevents {}\n` +
      `http { access_log off; client_body_temp_path ${place}/a; proxy_temp_path ${place}/b; fastcgi_temp_path ${place}/c;\n` +
      `uwsgi_temp_path ${place}/d; scgi_temp_path ${place}/e; server { listen 127.0.0.1:${port}; } }\n`,
  );
  return {
    start: `nginx -p ${place} -c ${place}/nginx.conf; until test -s ${place}/pid; do sleep 0.05; done`,
    async pids() {
      const master = Number(read(`${place}/pid`));
      await expect.poll(() => childrenOf(master).length).toBe(2);
      return [master, ...childrenOf(master)];
    },
  };
}

describe.runIf(hasNginx)('nginx, which rewrites its environment', () => {
  it('is gone after a time-out of the step that started it as a daemon', async () => {
    const nginx = await nginxFolder('nginx-timeout');
    const child = await children.start(sh(`${nginx.start}; echo ready; sleep 600`));
    const pids = await nginx.pids();
    // It has what betrays it, and not the marker in its environment.
    const [master = 0] = pids;
    expect(read(`/proc/${master}/environ`)).not.toContain('TOCSIN_STEP');
    expect(readLimitMark(read(`/proc/${master}/limits`))).toEqual(limitMarkOf(child.marker));
    expect(childrenOf(master).length).toBe(2);
    expect(await child.stop()).toEqual({ far: null, left: [] });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('is found after a kill -9 of Tocsin, before the step is tried again', async () => {
    const nginx = await nginxFolder('nginx-killed');
    const marker = `killed-${process.pid}-${Date.now()}/step/1`;
    const host = await startHost(marker, ['sh', '-c', `${nginx.start}; echo ready; sleep 600`]);
    const pids = await nginx.pids();
    await host.kill();
    expect(pids.filter(isAlive)).toEqual(pids);
    expect(await children.reap(marker.slice(0, -1))).toBeGreaterThanOrEqual(pids.length);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('lives on after the normal end of the step, until it is ended by its own name', async () => {
    const nginx = await nginxFolder('nginx-daemon');
    const child = await children.start(sh(`${nginx.start}; echo ready`));
    expect(await child.end).toEqual({ exitCode: 0, signal: null });
    const pids = await nginx.pids();
    expect(pids.filter(isAlive)).toEqual(pids);
    // Another attempt, and another step of the same run, are not it.
    expect(await children.reap(child.marker.replace(/\d+$/, '0'), 0)).toBe(0);
    expect(await children.reap(child.marker.replace('/step/', '/other/'), 0)).toBe(0);
    expect(pids.filter(isAlive)).toEqual(pids);
    await children.reap(child.marker);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

/** Another process that starts children as Tocsin does, and can be killed. */
async function startHost(marker: string, argv: readonly string[]) {
  const file = join(folder, `host-${marker.split('/')[0]}.ts`);
  const source = new URL('../../../src/kernel/', import.meta.url).href;
  writeFileSync(
    file,
    `import { createChildren } from '${source}child/child.ts';
     import { systemClock } from '${source}clock.ts';
     import { silentLog } from '${source}log.ts';
     const children = createChildren({ clock: systemClock, log: silentLog, path: '${path}', home: '${folder}', tmp: '${folder}' });
     children.spawn({ argv: ${JSON.stringify(argv)} }, { marker: '${marker}', signal: new AbortController().signal, grace: 0,
       onOutput: chunk => { process.stdout.write(chunk) } });`,
  );
  const host = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    host.stdout.on('data', chunk => {
      text += chunk;
      if (text.includes('ready')) resolve();
    });
    host.once('exit', code => reject(new Error(`ended with ${code}: ${text}`)));
  });
  return {
    async kill() {
      const gone = once(host, 'exit');
      host.kill('SIGKILL');
      await gone;
    },
  };
}

describe.runIf(hasSsh)('ssh', () => {
  it('sshd that became a daemon is gone after a time-out', async () => {
    await sshd();
    const place = join(folder, 'sshd-daemon');
    mkdirSync(place);
    const port = await freePort();
    writeFileSync(
      join(place, 'conf'),
      `${sshdConfig(join(folder, 'ssh'), port)}PidFile ${place}/pid\n`.replace(/PidFile .*\n/, ''),
    );
    const child = await children.start(
      sh(`/usr/sbin/sshd -f ${place}/conf; until test -s ${place}/pid; do sleep 0.05; done; echo ready; sleep 600`),
    );
    const pid = Number(read(`${place}/pid`));
    expect(isAlive(pid)).toBe(true);
    expect(await child.stop()).toMatchObject({ left: [] });
    expect(isAlive(pid)).toBe(false);
  });

  it.each(['a time-out', 'kill -9'])('the master of a shared connection is gone after %s', async how => {
    const { ssh } = await sshd();
    const control = join(folder, `control-${how.replace(/\W/g, '')}`);
    const shared = ['-o', 'ControlMaster=auto', '-o', 'ControlPersist=600', '-o', `ControlPath=${control}`];
    const argv = [...ssh.slice(0, -1), ...shared, ssh.at(-1) ?? '', 'true'];
    const code = `${argv.join(' ')}; echo ready; exec sleep 600`;
    const marker = `master-${process.pid}-${Date.now()}/step/1`;
    const child = how === 'kill -9' ? await startHost(marker, ['sh', '-c', code]) : await children.start(sh(code));
    const masters = pidsWith(`${control} [mux]`);
    expect(masters).toHaveLength(1);
    expect(read(`/proc/${masters[0]}/environ`)).not.toContain('TOCSIN_STEP');
    if ('kill' in child) {
      await child.kill();
      expect(masters.filter(isAlive)).toEqual(masters);
      await children.reap(marker);
    } else expect(await child.stop()).toMatchObject({ left: [] });
    expect(masters.filter(isAlive)).toEqual([]);
  });
});

describe('trees of processes', () => {
  it.runIf(hasPython)('with a session and a terminal of its own, as dpkg below apt has, are gone', async () => {
    const code = [
      'import os, pty, sys, time',
      'pid, terminal = pty.fork()',
      'if pid == 0: os.execvp("sh", ["sh", "-c", "trap \'\' TERM HUP; sleep 600 & sleep 601"])',
      'print("ready pid=%d" % pid, flush=True)',
      'time.sleep(600)',
    ].join('\n');
    const child = await children.start({ argv: ['python3', '-c', code] }, 100);
    const pid = Number(/pid=(\d+)/.exec(child.text())?.[1]);
    await expect.poll(() => childrenOf(pid).length).toBe(2);
    const pids = [pid, ...childrenOf(pid)];
    expect(await child.stop()).toEqual({ far: null, left: [] });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('that ignore TERM, and fork on TERM with an empty environment, are gone', async () => {
    const word = `86400.${process.pid}`;
    const child = await children.start(
      sh(
        `trap 'env -i setsid sleep ${word} & env -i setsid sleep ${word} &' TERM; echo ready; while :; do sleep 0.05; done`,
      ),
      300,
    );
    expect(await child.stop()).toEqual({ far: null, left: [] });
    expect(pidsWith(`sleep ${word}`)).toEqual([]);
  });

  it.runIf(hasCurl)('curl that waits for an answer is gone', async () => {
    const silent = createServer(() => {});
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
    const accepted = once(silent, 'connection');
    const child = await children.start(sh(`echo ready; exec curl -s ${url}`));
    await accepted;
    expect(await child.stop()).toEqual({ far: null, left: [] });
    expect(pidsWith(url)).toEqual([]);
    silent.close();
  });
});
