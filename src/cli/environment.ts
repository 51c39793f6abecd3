import { resolve } from 'node:path';
import { TocsinError } from '../kernel/errors.ts';
import { wholeNumber } from '../kernel/number.ts';
import { type Role, role } from '../model/node.ts';

/** The parsed environment. */
export interface Settings {
  listen: { host: string; port: number };
  /** Absolute. */
  configPath: string;
  /** True when the environment names the file, which must exist then. */
  configExplicit: boolean;
  /** Absolute. */
  dataFolder: string;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  role: Role;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment. Throws `environment-invalid`, which names the variable. */
export function readSettings(env: Environment, cwd: string): Settings {
  const config = readValue(env, 'TOCSIN_CONFIG');
  return {
    listen: parseListen(readValue(env, 'TOCSIN_LISTEN') ?? '127.0.0.1:8080'),
    configPath: resolve(cwd, config ?? 'tocsin.yaml'),
    configExplicit: config !== null,
    dataFolder: resolve(cwd, readValue(env, 'TOCSIN_DATA') ?? 'data'),
    logLevel: parseLevel(readValue(env, 'TOCSIN_LOG') ?? 'info'),
    role: parseRole('TOCSIN_ROLE', readValue(env, 'TOCSIN_ROLE') ?? 'all'),
  };
}

/** The URL of the running Tocsin: TOCSIN_URL, else from TOCSIN_LISTEN on this machine. Without a slash at its end. */
export function readUrl(env: Environment): string {
  const given = readValue(env, 'TOCSIN_URL');
  if (given === null) {
    const { host, port } = parseListen(readValue(env, 'TOCSIN_LISTEN') ?? '127.0.0.1:8080');
    const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
  }
  if (!/^https?:\/\//.test(given) || !URL.canParse(given)) {
    throw new TocsinError('environment-invalid', {
      at: 'TOCSIN_URL',
      allowed: 'http://host:port or https://host',
      given,
    });
  }
  return given.replace(/\/+$/, '');
}

/** Parses `127.0.0.1:8080`, `[::1]:8080` or `localhost:0`. Port 0 means any free port. */
export function parseListen(text: string): { host: string; port: number } {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = wholeNumber(found?.[3] ?? '');
  if (host === undefined || port === null || port > 65_535) {
    throw new TocsinError('environment-invalid', {
      at: 'TOCSIN_LISTEN',
      allowed: 'host:port, for example 127.0.0.1:8080 or [::1]:8080',
      given: text,
    });
  }
  return { host, port };
}

function parseLevel(text: string): Settings['logLevel'] {
  const levels = ['debug', 'info', 'warn', 'error'] as const;
  const found = levels.find(level => level === text);
  if (found !== undefined) return found;
  throw new TocsinError('environment-invalid', { at: 'TOCSIN_LOG', allowed: levels, given: text });
}

/** Parses a role. Throws `environment-invalid`, which names where it was given. */
export function parseRole(at: string, text: string): Role {
  const parsed = role.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new TocsinError('environment-invalid', { at, allowed: role.options, given: text });
}

/** An empty variable counts as unset, because compose files and unit files turn a missing value into an empty one. */
function readValue(env: Environment, name: string): string | null {
  const value = env[name]?.trim();
  return value === undefined || value === '' ? null : value;
}
