#!/usr/bin/env node
// The command `tocsin`. Node runs the TypeScript sources as they are, from a checkout or the image; below node_modules it refuses to,
// so an installed copy says so. Written so that an old Node gets this far: it hands over to the release that npm ci brings.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
const here = fileURLToPath(import.meta.url);
/** What the other process calls itself, so that it knows that this one waits for it. */
const handedOver = 'tocsin';
const pinned = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (/[\\/]node_modules[\\/]/.test(here)) {
  console.error('tocsin: Node runs no TypeScript below node_modules. Clone the repository, or use the image.');
  process.exitCode = 2;
} else if (major > 24 || (major === 24 && minor >= 15)) {
  if (process.argv0 === handedOver && process.channel) endWithParent();
  await import('../src/cli.ts');
} else if (existsSync(pinned)) {
  handOver();
} else {
  console.error(
    `tocsin: needs Node 24.15 or newer, and this is ${process.version}. Run npm ci first: it brings the right one.`,
  );
  process.exitCode = 2;
}

/** Runs the other Node in the place of this one: signals go on to it, and its end, a code or a signal, is the end of this one. */
function handOver() {
  // The channel carries no messages. It closes when this process is killed, and that is all the other one can learn of it.
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const child = spawn(pinned, [here, ...process.argv.slice(2)], { stdio, argv0: handedOver });
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];
  const pass = signal => child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  child.on('error', error => {
    console.error(`tocsin: ${pinned} cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    for (const one of signals) process.off(one, pass);
    if (signal === null) process.exit(code);
    process.kill(process.pid, signal);
  });
}

/** The process that waits for this one was killed: what it was asked to do is stopped in order, as by TERM. */
function endWithParent() {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // The channel alone keeps no process alive.
  process.channel.unref();
}
