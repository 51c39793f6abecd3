import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How long after the start, milliseconds. Modules that the start loads lazily are loaded by then. */
const delay = 2000;

/**
 * Collects the garbage of loading the modules, once: V8 would keep some 40 MB while the process is idle. It takes about 0.1 s. A smaller
 * young generation would save as much, but cost 10 % more time for every event under load.
 */
export function giveBackMemory(): void {
  setTimeout(() => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    // The flavour that V8 itself uses when memory runs out: it frees all that it can.
    if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, delay).unref();
}
