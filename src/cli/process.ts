import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { packageRoot } from '../kernel/here.ts';
import type { Terminal } from './terminal.ts';

/** Milliseconds within which two Ctrl-C are one: a terminal sends it to a wrapper and to this process, and the wrapper passes it on. */
const oneCtrlC = 1000;

/** The terminal of this process. The first Ctrl-C aborts its signal; a later one ends the process. */
export function processTerminal(env: NodeJS.ProcessEnv): Terminal {
  const controller = new AbortController();
  let askedAt = -1;
  process.on('SIGINT', () => {
    const now = performance.now();
    if (askedAt < 0) askedAt = now;
    else if (now - askedAt >= oneCtrlC) process.exit(130);
    controller.abort();
  });
  return {
    out: text => print(1, text),
    err: text => print(2, text),
    env,
    cwd: process.cwd(),
    interactive: process.stderr.isTTY === true,
    ...(process.stderr.isTTY === true && { status: (text: string) => void process.stderr.write(`\r\x1b[K${text}`) }),
    signal: controller.signal,
    ...(process.stdin.isTTY === true && process.stderr.isTTY === true
      ? { ask: (question: string) => ask(question, controller) }
      : {}),
  };
}

/** Ctrl-C and the end of input are no answer. */
async function ask(question: string, controller: AbortController): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.on('SIGINT', () => controller.abort());
  const closed = Promise.withResolvers<string>();
  lines.on('close', () => closed.resolve(''));
  try {
    return await Promise.race([lines.question(question, { signal: controller.signal }), closed.promise]);
  } finally {
    lines.close();
  }
}

/** Writes synchronously, so that nothing is lost when the process ends right afterwards. A closed pipe is no error. */
function print(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(`${text}\n`);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
    }
  }
}

export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
  return String(version);
}
