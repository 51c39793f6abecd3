/** Thrown while an expression compiles. */
export class CompileProblem extends Error {
  /** Characters from the start of the text. */
  readonly node: { start: number; end: number };
  readonly allowed: string | undefined;
  readonly nearest: string | null;
  constructor(
    message: string,
    node: { start: number; end: number },
    more: { allowed?: string | undefined; nearest?: string | null } = {},
  ) {
    super(message);
    this.node = node;
    this.allowed = more.allowed;
    this.nearest = more.nearest ?? null;
  }
}
