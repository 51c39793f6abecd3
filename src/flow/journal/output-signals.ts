/** Notifies the pages that show a run's output of new output. The output itself is in the store. */
export interface OutputSignals {
  wake(run: string): void;
  listen(run: string, listener: () => void): () => void;
}

export function createOutputSignals(): OutputSignals {
  const listeners = new Map<string, Set<() => void>>();
  return {
    wake(run) {
      for (const listener of listeners.get(run) ?? []) listener();
    },
    listen(run, listener) {
      const set = listeners.get(run) ?? new Set();
      listeners.set(run, set);
      set.add(listener);
      return () => {
        set.delete(listener);
        if (set.size === 0) listeners.delete(run);
      };
    },
  };
}
