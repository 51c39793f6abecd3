#!/usr/bin/env node
// The command `tocsin`. A checkout and the image run the TypeScript sources as they are; an installed package runs dist, since Node runs no
// TypeScript below node_modules. Written so that an old Node gets this far: it hands over to a newer one that is installed beside it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
const here = fileURLToPath(import.meta.url);
/** What the other process calls itself, so that it knows that this one waits for it. */
const handedOver = 'tocsin';
const sources = new URL('../src/cli.ts', import.meta.url);
const isCheckout = existsSync(sources);
// The package `node`: of the checkout, or beside an installed package.
const pinned = ['../node_modules/.bin/node', ...(isCheckout ? [] : ['../../.bin/node'])]
  .map(path => fileURLToPath(new URL(path, import.meta.url)))
  .find(path => existsSync(path));

if (major > 24 || (major === 24 && minor >= 15)) {
  if (process.argv0 === handedOver && process.channel) endWithParent();
  await import(isCheckout ? sources : new URL('../dist/src/cli.js', import.meta.url));
} else if (pinned !== undefined && process.argv0 !== handedOver) {
  handOver();
} else {
  const remedy = isCheckout
    ? 'Run npm ci first: it brings the right one.'
    : 'Install that, or the package beside this one: npm install node@24.';
  console.error(`tocsin: needs Node 24.15 or newer, and this is ${process.version}. ${remedy}`);
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
