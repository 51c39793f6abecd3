/** Far sides: where a program that is stopped here may go on, told from its arguments. */

import { basename } from 'node:path';
import { cutText } from '../text.ts';
import { containerPlace, podPlace } from './containers.ts';
import { mysqlPlace, placeVariables, postgresPlace } from './databases.ts';
import { hasOption, parseOptions } from './options.ts';
import { hostsOfUri, placeOf, unknownPlace } from './place.ts';
import { commandsOf } from './shell.ts';
import { type Seen, seeThrough, unknownValue } from './wrappers.ts';

/** Work at another place that goes on when the program here is killed. */
export interface Far {
  program: string;
  /** The host, container or pod, or that it is not known. Never anything else of the arguments. */
  at: string;
}

type Variables = Readonly<Record<string, string>>;
type Reader = (args: readonly string[], env: Variables, program: string) => string | null;

/** ssh(1), OpenSSH 9.2: its options that take a value, and the others. */
const sshValues = 'BbcDEeFIiJLlmOoPpQRSWw';
const sshFlags = '46AaCfGgKkMNnqsTtVvXxYy';

const postgres: Reader = (args, env, program) => postgresPlace(program, args, env);

const readers = new Map<string, Reader>(
  Object.entries({
    ssh: sshPlace,
    psql: postgres,
    vacuumdb: postgres,
    reindexdb: postgres,
    clusterdb: postgres,
    pg_restore: postgres,
    mariadb: mysqlPlace,
    mysql: mysqlPlace,
    kubectl: podPlace,
    oc: podPlace,
    docker: containerPlace,
    podman: containerPlace,
  }),
);

/** Clients of databases that cancel their statement on the server when they get INT. */
const cancels = new Set(['psql', 'mariadb', 'mysql', 'vacuumdb', 'reindexdb', 'clusterdb', 'pg_restore']);

export function cancelsByInterrupt(far: Far): boolean {
  return cancels.has(far.program);
}

/**
 * The far sides of an argv: of its program, seen through wrappers (`sudo`, `timeout`, `env`...), and of each command in the code of a shell
 * (`sh -c`) unless `shells` is false. `env` is for variables in that code, and for what clients of databases read. Programs that end their
 * far side with themselves (`ssh -tt`) have none. Only what is certainly the name or address of a place is shown, because anything else may
 * be a part of a password.
 */
export function farSides(argv: readonly string[], env: Variables = {}, { shells = true } = {}): Far[] {
  const commands = shells ? programsOf(argv, env) : [seeThrough(argv, env)];
  return distinct(
    commands.flatMap(({ argv: [path = '', ...args], env: variables }) => {
      const program = basename(path);
      const at = readers.get(program)?.(args, variables, program) ?? null;
      return at === null ? [] : [{ program, at: cutText(at, 80) }];
    }),
  );
}

/** Variables whose values are not read: they name no place. */
export function unknownVariables(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map(name => [name, unknownValue]));
}

/** True when the argv, seen through its wrappers, or a command of its code, is this program. */
export function runsProgram(argv: readonly string[], name: string): boolean {
  return programsOf(argv, {}).some(({ argv: [program = ''] }) => basename(program) === name);
}

/** How deep the code of shells is read. */
const mostShells = 4;

function programsOf(argv: readonly string[], env: Variables, depth = 0): Seen[] {
  const seen = seeThrough(argv, env);
  if (depth >= mostShells) return [seen];
  const code = seen.code ?? codeOf(basename(seen.argv[0] ?? ''), seen.argv.slice(1));
  if (code === null) return [seen];
  let variables = seen.env;
  return commandsOf(code, seen.env).flatMap(command => {
    const found = programsOf(command, variables, depth + 1);
    variables = afterCommand(command, variables);
    return found;
  });
}

/** What a command of a shell leaves behind for the ones after it: `export PGHOST=db-1`. */
function afterCommand(command: readonly string[], env: Variables): Variables {
  const isExport = command[0] === 'export';
  const names = placeVariables.filter(name => command.some(word => word === name || word.startsWith(`${name}=`)));
  // Assignments in front of a command are its own.
  const isOwn = !isExport && command[0]?.includes('=') === true && command.some(word => !word.includes('='));
  if (isOwn || names.length === 0) return env;
  const exported = (name: string) => command.find(word => word.startsWith(`${name}=`))?.slice(name.length + 1);
  return {
    ...env,
    ...Object.fromEntries(names.map(name => [name, (isExport ? exported(name) : undefined) ?? unknownValue])),
  };
}

export function distinct(all: readonly Far[]): Far[] {
  return [...new Map(all.map(far => [showFar(far), far])).values()];
}

function showFar({ program, at }: Far): string {
  return `${at} (${program})`;
}

/** `may go on at web-1 (ssh)`; null when there is nothing. At most five places are named. */
export function mayGoOn(all: readonly Far[]): string | null {
  const places = distinct(all).map(showFar);
  if (places.length === 0) return null;
  const more = places.length > 5 ? ` and ${places.length - 5} more` : '';
  return `may go on at ${places.slice(0, 5).join(', ')}${more}`;
}

/** The code that a shell is given by -c, or that eval runs; null for anything else. */
function codeOf(program: string, args: readonly string[]): string | null {
  if (program === 'eval') return args.join(' ');
  if (!/^(?:r?ba|da|z|k|mk|a)?sh$/.test(program)) return null;
  let at = 0;
  let isCode = false;
  for (; /^[-+]./.test(args[at] ?? '') && args[at] !== '--'; at++) {
    const arg = args[at] ?? '';
    if (arg.startsWith('--')) {
      if (arg === '--rcfile' || arg === '--init-file') at++;
      continue;
    }
    if (/^-.*c/.test(arg)) isCode = true;
    // Each o and O takes a word of its own, wherever it stands: `-euo pipefail`.
    at += arg.match(/o/gi)?.length ?? 0;
  }
  if (args[at] === '--' || args[at] === '-') at++;
  return isCode ? (args[at] ?? null) : null;
}

function sshPlace(args: readonly string[]): string | null {
  const parsed = parseOptions(args, { values: sshValues, flags: { short: sshFlags, long: [] }, words: 1 });
  const { options, words } = parsed;
  const isForced = options.some(([name, value]) => name === '-o' && /^requesttty[= ]\s*force$/i.test(value));
  const terminals = options.filter(([name]) => name === '-t').length;
  // With a terminal of its own the remote command gets HUP. The others run no command.
  if (terminals >= 2 || isForced || hasOption(parsed, '-W', '-O', '-N', '-V', '-G', '-Q')) return null;
  if (!parsed.isSure) return unknownPlace;
  return words[0] === undefined ? null : sshHost(words[0]);
}

/** The host of `host`, `user@host` and `ssh://user@host:port`. */
function sshHost(place: string): string {
  if (/^ssh:\/\//i.test(place)) return placeOf(hostsOfUri(place)?.join() ?? '');
  return placeOf(place.slice(place.lastIndexOf('@') + 1).replace(/^\[(.*)\]$/, '$1'));
}
