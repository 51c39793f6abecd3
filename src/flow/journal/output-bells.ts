/** Tells the pages that show a run's output that there is more of it. The output itself is in the store. */
export interface OutputBells {
  ring(run: string): void;
  listen(run: string, listener: () => void): () => void;
}

export function createOutputBells(): OutputBells {
  const listeners = new Map<string, Set<() => void>>();
  return {
    ring(run) {
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
