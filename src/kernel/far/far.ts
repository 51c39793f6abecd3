/** Far sides: where a program that is stopped here may go on, told from its arguments. */

import { basename } from 'node:path';
import { cutText, visibleLine } from '../text.ts';
import { commandsOf } from './shell.ts';
import { parseOptions, seeThrough } from './wrappers.ts';

/** Work at another place that goes on when the program here is killed. */
export interface Far {
  program: string;
  /** The host, container or pod, as the arguments name it. */
  at: string;
}

type Reader = (args: readonly string[], env: Variables) => string | null;
type Variables = Readonly<Record<string, string>>;

/** ssh(1), OpenSSH 9.2: its options that take a value. */
const sshValues = 'BbcDEeFIiJLlmOoPpQRSWw';

const readers = new Map<string, Reader>(
  Object.entries({
    ssh: sshPlace,
    psql: postgresPlace,
    vacuumdb: postgresPlace,
    reindexdb: postgresPlace,
    clusterdb: postgresPlace,
    pg_restore: postgresPlace,
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
 * (`sh -c`) unless `shells` is false. `env` is for variables in that code, and for what clients of databases read. Programs that end their far side with themselves (`ssh -tt`) have none.
 */
export function farSides(argv: readonly string[], env: Variables = {}, { shells = true } = {}): Far[] {
  const commands = shells ? programsOf(argv, env) : [seeThrough(argv)];
  return distinct(
    commands.flatMap(([path = '', ...args]) => {
      const program = basename(path);
      const at = readers.get(program)?.(args, env) ?? null;
      return at === null ? [] : [{ program, at: cutText(visibleLine(at), 80) }];
    }),
  );
}

/** True when the argv, seen through its wrappers, or a command of its code, is this program. */
export function runsProgram(argv: readonly string[], name: string): boolean {
  return programsOf(argv, {}).some(([program = '']) => basename(program) === name);
}

/** How deep the code of shells is read. */
const mostShells = 4;

function programsOf(argv: readonly string[], env: Variables, depth = 0): (readonly string[])[] {
  const inner = seeThrough(argv);
  const code = depth < mostShells ? codeOf(basename(inner[0] ?? ''), inner.slice(1)) : null;
  return code === null ? [inner] : commandsOf(code, env).flatMap(command => programsOf(command, env, depth + 1));
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

/** The code that a shell is given by -c; null for anything else. */
function codeOf(program: string, args: readonly string[]): string | null {
  if (!/^(?:ba|da|z|k|mk|a)?sh$/.test(program)) return null;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (/^-[a-zA-Z]*c[a-zA-Z]*$/.test(arg)) return args.slice(at + 1).find(next => !/^[-+]/.test(next)) ?? null;
    if (arg === '-o' || arg === '-O' || arg === '+O') at++;
    else if (!/^[-+]/.test(arg)) return null;
  }
  return null;
}

function sshPlace(args: readonly string[]): string | null {
  const { options, words } = parseOptions(args, { values: sshValues, words: 1 });
  const has = (...names: string[]) => options.some(([name]) => names.includes(name));
  const isForced = options.some(([name, value]) => name === '-o' && /^requesttty[= ]\s*force$/i.test(value));
  const terminals = options.filter(([name]) => name === '-t').length;
  // With a terminal of its own the remote command gets HUP. The others run no command.
  if (terminals >= 2 || isForced || has('-W', '-O', '-N', '-V', '-G', '-Q')) return null;
  return words[0] === undefined ? null : hostOf(words[0]);
}

/** The host of `host`, `user@host`, `ssh://user@host:port` and of the addresses of databases. */
function hostOf(place: string): string {
  const rest = place.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
  const authority = rest === place ? place : (rest.split(/[/?]/)[0] ?? '');
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return rest === place ? host : host.replace(/:\d*$/, '');
}

const ownServer = 'its server on this machine';

function postgresPlace(args: readonly string[], vars: Variables): string {
  const { options, words } = parseOptions(args, {
    values: 'cdfFhLoPpRTUvjntS',
    long: ['host', 'dbname', 'command', 'file', 'port', 'username', 'set', 'variable', 'output', 'log-file', 'pset'],
  });
  const named = optionOf(options, '-h', '--host');
  const base = optionOf(options, '-d', '--dbname') ?? words[0] ?? '';
  const inBase = /^postgres(?:ql)?:\/\//.test(base)
    ? hostOf(base)
    : /\bhost(?:addr)?\s*=\s*'?([^\s']+)/.exec(base)?.[1];
  const service = /\bservice\s*=\s*'?([^\s']+)/.exec(base)?.[1] ?? vars['PGSERVICE'];
  const host = named ?? (inBase || undefined) ?? vars['PGHOST'];
  if (host === undefined && service !== undefined) return `service ${service}`;
  return host === undefined || host.startsWith('/') ? ownServer : host;
}

function mysqlPlace(args: readonly string[]): string {
  const { options } = parseOptions(args, {
    values: 'hueDPS',
    long: ['host', 'user', 'execute', 'database', 'port', 'socket'],
  });
  return optionOf(options, '-h', '--host') ?? ownServer;
}

function podPlace(args: readonly string[]): string | null {
  const long = ['namespace', 'context', 'kubeconfig', 'cluster', 'user', 'server', 'token', 'container'];
  const { words } = parseOptions(args, { values: 'nsc', long });
  return words[0] === 'exec' && words[1] !== undefined ? words[1] : null;
}

function containerPlace(args: readonly string[]): string | null {
  const long = ['host', 'context', 'config', 'env', 'env-file', 'user', 'workdir', 'file', 'project-name', 'index'];
  const { words } = parseOptions(args, { values: 'Heuwcpf', long });
  const at = ['compose', 'container'].includes(words[0] ?? '') ? 1 : 0;
  return words[at] === 'exec' ? (words[at + 1] ?? null) : null;
}

function optionOf(options: readonly (readonly [string, string])[], ...names: readonly string[]): string | undefined {
  return options.find(([name, value]) => names.includes(name) && value !== '')?.[1];
}
