import type { Egress, EgressParts } from './egress.ts';

/** The egress for the rules in force. It is loaded at the first request, because undici is heavy, and replaced when the rules change. */
export interface LazyEgress {
  fetch: typeof fetch;
  /** See Egress. */
  within(time: number | null): typeof fetch;
  close(): Promise<void>;
}

export function createLazyEgress(rules: () => Pick<EgressParts, 'allow' | 'private' | 'ca' | 'maxBody'>): LazyEgress {
  let made: { text: string; egress: Promise<Egress> } | null = null;

  function current(): Promise<Egress> {
    const text = JSON.stringify(rules());
    if (made?.text === text) return made.egress;
    const old = made?.egress;
    made = { text, egress: import('./egress.ts').then(({ createEgress }) => createEgress(rules())) };
    // Requests that began under the old rules may finish; no new one begins under them.
    void old?.then(egress => egress.close());
    return made.egress;
  }

  return {
    fetch: async (input, init) => (await current()).fetch(input, init),
    within: time => async (input, init) => (await current()).within(time)(input, init),
    async close() {
      await (await made?.egress)?.close();
    },
  };
}
