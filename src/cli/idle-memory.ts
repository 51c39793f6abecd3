import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How long after the start it is done, milliseconds: what the start loads later is loaded by then. */
const delay = 2000;

/**
 * Gives back what loading the modules left behind, once: V8 would keep some 40 MB for as long as nothing happens. It takes about a tenth
 * of a second. A smaller young generation would save as much, and cost every event under load a tenth more.
 */
export function giveBackMemory(): void {
  setTimeout(() => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    // V8's own name for "everything that can be had", as it does itself when memory ends.
    if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, delay).unref();
}
