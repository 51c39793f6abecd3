import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ready, type Started, start } from '../cli/process.ts';

export const tokens = { SOAK_TOKEN: 'soak-token-0123456789abcdef', ALICE_TOKEN: 'alice-token-0123456789abcdef' };

/** Tocsin as a process that is killed and started again, and what is asked of it meanwhile. */
export interface Node {
  /** Resolves to the status and the body; to null when the process is not there, or ended before it had answered. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<{ status: number; body: unknown } | null>;
  pid(): number;
  /** The process ends by this signal, and a new one is started on the same data after `pause` milliseconds. */
  restart(signal: NodeJS.Signals, pause: number): Promise<void>;
  end(): Promise<void>;
}

export async function startNode(folder: string): Promise<Node> {
  let current: Started;
  let url = '';
  const begin = async () => {
    current = start(folder, { env: { ...tokens, TMPDIR: `${folder}/tmp`, TOCSIN_LOG: 'error' } });
    url = (await ready(current)).url;
  };
  await begin();
  return {
    pid: () => current.child.pid ?? 0,
    async ask(method, path, body, token = tokens.ALICE_TOKEN) {
      try {
        const response = await fetch(url + path, {
          method,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(30_000),
        });
        const text = await response.text();
        return { status: response.status, body: text === '' ? null : JSON.parse(text) };
      } catch {
        return null;
      }
    },
    async restart(signal, pause) {
      current.child.kill(signal);
      await current.ended;
      await sleep(pause);
      await begin();
    },
    async end() {
      current.child.kill('SIGTERM');
      await current.ended;
    },
  };
}

/** Everything of a list, page by page. */
export async function list<T extends { id: string }>(node: Node, path: string): Promise<T[]> {
  const all: T[] = [];
  for (let after = ''; ; ) {
    const mark = path.includes('?') ? '&' : '?';
    const answer = await node.ask('GET', `${path}${mark}limit=100${after && `&after=${after}`}`);
    if (answer?.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    const page = answer.body as T[];
    all.push(...page);
    if (page.length < 100) return all;
    after = page.at(-1)?.id ?? '';
  }
}

const read = (path: string) => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};

/** Living processes that a step of this soak has left: their folder for temporary files is the soak's. */
export function leftProcesses(folder: string): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      const env = read(`/proc/${pid}/environ`);
      return env.includes('TOCSIN_STEP=') && env.includes(`TMPDIR=${folder}`);
    })
    .map(pid => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);
}

/** The spawn helpers of a process. */
export function helpersOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .map(Number)
    .filter(child => child > 0 && /tocsin-spawn|spawner\/helper/.test(read(`/proc/${child}/cmdline`)));
}

/** Open descriptors, and memory in MB that is this process's share (PSS). */
export function footprint(pid: number): { descriptors: number; memory: number } {
  const kilobytes = Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, memory: kilobytes / 1024 };
}
