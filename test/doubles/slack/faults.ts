/** What may go wrong with a call, on command. */
export type Fault =
  | { kind: 'limited'; retryAfter: number }
  | { kind: 'status'; status: number }
  | { kind: 'error'; error: string }
  /** The line is cut before anything happened. */
  | { kind: 'cut' }
  /** It has its effect, and the answer never arrives. */
  | { kind: 'answer-lost' }
  /** It has its effect, and the answer is this late, milliseconds. */
  | { kind: 'slow'; ms: number };

export interface Faults {
  /** The next `times` calls of the method (`*` for any) go wrong. */
  add(method: string, fault: Fault, times?: number): void;
  take(method: string): Fault | null;
  clear(): void;
}

export function createFaults(): Faults {
  let list: { method: string; fault: Fault; left: number }[] = [];
  return {
    add: (method, fault, times = 1) => void list.push({ method, fault, left: times }),
    take(method) {
      const found = list.find(one => (one.method === method || one.method === '*') && one.left > 0);
      if (found === undefined) return null;
      found.left -= 1;
      return found.fault;
    },
    clear() {
      list = [];
    },
  };
}
