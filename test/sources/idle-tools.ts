import type { EmitTools } from '../../src/ports/emit.ts';

/** The tools of a source that has nothing to remember, and takes no records; a test spreads them and gives its own of those that it looks at. */
export const idleTools: Omit<EmitTools, 'clock' | 'log'> = {
  emit: async () => true,
  deliver: async () => false,
  refused() {},
  trouble() {},
  remembered: async () => 0,
  rememberedText: async () => null,
  remember: async () => {},
  alertOf: async () => null,
  async *liveAlerts() {},
  takeRecords: () => Promise.reject(new Error('it takes no records')),
  lost: () => Promise.reject(new Error('it takes no records')),
  letters: {
    put: () => Promise.reject(new Error('it has no letters')),
    takeRetries: async () => [],
    settle: async () => {},
    onRetry: () => () => {},
  },
  halted: async () => false,
  onResume: () => () => {},
};
