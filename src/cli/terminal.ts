/** What a command may use of the process that runs it; tests pass their own. */
export interface Terminal {
  /** Results, to standard output. */
  out(text: string): void;
  /** Everything else, to standard error. */
  err(text: string): void;
  env: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths start from. */
  cwd: string;
  /** Whether a person reads standard error. */
  interactive: boolean;
  /** Writes over the last line of this kind on standard error, and clears it with an empty text; left out where nobody reads it. */
  status?(text: string): void;
  /** Asks the person at the terminal; left out where nobody is there to answer. Rejects when Ctrl-C or the end of input answers. */
  ask?(question: string): Promise<string>;
  /** Aborted when the person presses Ctrl-C. */
  signal: AbortSignal;
}

/** The exit codes, the same for every command; see the help. */
export const exitCode = {
  ok: 0,
  /** The command was carried out, with a negative result: problems were found, a run did not succeed, something was refused. */
  failed: 1,
  /** The command could not be carried out: a wrong command line, no process that answers. */
  unusable: 2,
  /** Ctrl-C, as shells number it. */
  interrupted: 130,
} as const;
