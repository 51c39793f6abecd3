import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { TocsinError } from '../errors.ts';
import { visibleLine } from '../text.ts';

/** Bytes of the longest argument or variable: Linux allows 128 KiB for each (MAX_ARG_STRLEN), the closing NUL included. */
export const longestArgument = 131_071;

/** An argv as a file gives it: a program and its arguments, no shell. Words that YAML parsed as numbers or booleans become text again. */
export const argvInput = z
  .array(z.union([z.string(), z.number().transform(String), z.boolean().transform(String)]))
  .min(1, 'an argv needs at least the program')
  .meta({ description: 'The program and its arguments, each an element of its own. No shell reads them.' });

/** Names of environment variables that a runbook may set. The prefixes `TOCSIN_` and `PARAM_` are reserved. */
export const variableName = z
  .string()
  .regex(
    /^(?!TOCSIN_|PARAM_)[A-Za-z_][A-Za-z0-9_]*$/,
    'use letters, digits and _, not starting with a digit, TOCSIN_ or PARAM_',
  );

/** Elements that need no quotes: they hold no white space, no quote and no invisible character. */
const bare = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** An argv on one unambiguous line: plain words as they are, other elements as JSON strings with invisible characters escaped. */
export function showArgv(argv: readonly string[]): string {
  return argv.map(element => (bare.test(element) ? element : visibleLine(JSON.stringify(element)))).join(' ');
}

/** Throws `argv-invalid` for an argv or environment that `execve` would refuse, and for a program that begins with a dash. */
export function checkArgv(argv: readonly string[], env: Readonly<Record<string, string>>): void {
  const program = argv[0];
  if (program === undefined || program === '')
    throw invalid('The argv has no program.', 'a program as its first element', showArgv(argv));
  if (program.startsWith('-'))
    throw invalid('The program begins with a dash.', 'a program as the first element', showArgv([program]));
  argv.forEach((element, at) => {
    checkBytes(element, `element ${at} of the argv`);
  });
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw invalid('A variable has a name that no environment takes.', 'letters, digits and _', visibleLine(name));
    }
    checkBytes(`${name}=${value}`, `the variable ${name}`);
  }
}

/** The error does not repeat the value, which may be a secret. */
function checkBytes(text: string, what: string): void {
  if (text.includes('\0')) throw invalid(`There is a NUL in ${what}.`, 'text without NUL', what);
  const size = Buffer.byteLength(text);
  if (size > longestArgument) {
    throw invalid(
      `${what[0]?.toUpperCase()}${what.slice(1)} is too long.`,
      `at most ${longestArgument.toLocaleString('en-GB')} bytes; give longer text by stdin`,
      `${size.toLocaleString('en-GB')} bytes`,
    );
  }
}

function invalid(message: string, allowed: string, given: string): TocsinError {
  return new TocsinError('argv-invalid', { message, allowed, given });
}

/**
 * Finds the file that `execvp` would run. Rejects with `program-missing`, which says where it looked. Without this check a missing program
 * would show only as exit code 127 of setpriv.
 */
export async function findProgram(program: string, path: string, cwd: string): Promise<string> {
  const places = program.includes('/')
    ? [resolve(cwd, program)]
    : path.split(delimiter).map(folder => join(isAbsolute(folder) ? folder : resolve(cwd, folder), program));
  let denied: string | null = null;
  for (const place of places) {
    const found = await look(place);
    if (found === 'yes') return place;
    if (found === 'denied') denied ??= place;
  }
  if (denied !== null) {
    throw new TocsinError('program-missing', {
      message: `${visibleLine(denied)} may not be executed.`,
      allowed: 'a file that this user may execute',
      given: visibleLine(program),
    });
  }
  throw new TocsinError('program-missing', {
    message: `There is no program ${visibleLine(JSON.stringify(program))}.`,
    allowed: program.includes('/') ? `a file at ${visibleLine(places[0] ?? '')}` : `a program in ${path}`,
    given: visibleLine(program),
  });
}

async function look(place: string): Promise<'yes' | 'no' | 'denied'> {
  const facts = await stat(place).catch(() => null);
  if (facts === null) return 'no';
  if (!facts.isFile()) return 'denied';
  return access(place, constants.X_OK).then(
    () => 'yes' as const,
    () => 'denied' as const,
  );
}

/** Rejects with `argv-invalid` when the folder is missing. The system would report the program as missing instead. */
export async function checkFolder(cwd: string): Promise<void> {
  const facts = await stat(cwd).catch(() => null);
  if (!facts?.isDirectory())
    throw invalid('The folder to run in is not there.', 'an existing folder', visibleLine(cwd));
}
