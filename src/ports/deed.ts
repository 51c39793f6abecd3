/**
 * What a step does, as far as its input shows it, for headlines. `quiet` acts on nothing: it waits, asks, looks or tells. Texts that are
 * computed later contain their expression, `${{ ... }}`.
 */
export type Deed =
  | { kind: 'command'; argv: readonly string[] }
  | { kind: 'script'; shell: string; text: string }
  | { kind: 'request'; method: string; url: string }
  | { kind: 'call'; runbook: string }
  | { kind: 'quiet' };
