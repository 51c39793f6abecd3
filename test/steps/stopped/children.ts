import { type ChildCommand, createChildren, type StoppedChild } from '../../../src/kernel/child/child.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { mayGoOn } from '../../../src/kernel/far/far.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { path } from './programs.ts';

let count = 0;

/** Children as steps have them, in a folder of their own. */
export function makeChildren(folder: string) {
  const children = createChildren({ clock: systemClock, log: silentLog, path, home: folder, tmp: folder });
  return {
    reap: children.reap,
    /** Starts a program and resolves when it printed `ready`. */
    async start(command: ChildCommand, grace = 5000) {
      const stop = new AbortController();
      const marker = `stopped-${process.pid}-${Date.now()}/step/${++count}`;
      const ready = Promise.withResolvers<void>();
      let text = '';
      let stopped: StoppedChild | null = null;
      const end = children.spawn(command, {
        marker,
        signal: stop.signal,
        grace,
        onStopped(found) {
          stopped = found;
        },
        onOutput(chunk) {
          text += chunk.toString();
          if (text.includes('ready')) ready.resolve();
        },
      });
      await Promise.race([
        ready.promise,
        end.then(({ exitCode }) => Promise.reject(new Error(`ended with ${exitCode} before it was ready: ${text}`))),
      ]);
      return {
        marker,
        end,
        text: () => text,
        /** Stops it as a time-out or a cancel does. */
        async stop(): Promise<{ far: string | null; left: StoppedChild['left'] }> {
          stop.abort();
          await end;
          return { far: mayGoOn(stopped?.far ?? []), left: stopped?.left ?? [] };
        },
      };
    },
  };
}
