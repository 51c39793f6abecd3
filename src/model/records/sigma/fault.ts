/** Where something is in a document. */
export type Place = readonly (string | number)[];

/** What is wrong with a rule, or is not read by Tocsin. */
export interface SigmaFault {
  at: Place;
  code: 'sigma-invalid' | 'sigma-unsupported';
  /** A clause. */
  message: string;
  allowed?: string;
  given?: string;
  /** The character of the text at the place. */
  offset?: number;
}

/** Ends the reading of one rule. */
export class SigmaError extends Error {
  readonly fault: SigmaFault;

  constructor(fault: SigmaFault) {
    super(fault.message);
    this.fault = fault;
  }
}

export function unsupported(at: Place, message: string, more: Partial<SigmaFault> = {}): SigmaError {
  return new SigmaError({ at, code: 'sigma-unsupported', message, ...more });
}

export function invalid(at: Place, message: string, more: Partial<SigmaFault> = {}): SigmaError {
  return new SigmaError({ at, code: 'sigma-invalid', message, ...more });
}

/** A value of a document for an error, cut. Not every map becomes a text by itself. */
export function shown(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')).slice(0, 100).toWellFormed();
}
