import { resolve } from 'node:path';
import { TocsinError } from '../kernel/errors.ts';
import { type Role, role } from '../model/node.ts';

/** What the environment says, parsed. */
export interface Settings {
  listen: { host: string; port: number };
  /** Absolute. */
  configPath: string;
  /** True when the environment names the file: then it must be there. */
  configExplicit: boolean;
  /** Absolute. */
  dataFolder: string;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  role: Role;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment. Throws `environment-invalid` that names the variable. */
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

/** Where a running Tocsin is asked: TOCSIN_URL, else where TOCSIN_LISTEN says that it listens here. Without a slash at its end. */
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

/** `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`. The port 0 takes a free one. */
export function parseListen(text: string): { host: string; port: number } {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host === undefined || !(port <= 65_535)) {
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

/** Throws `environment-invalid` that names where it was given. */
export function parseRole(at: string, text: string): Role {
  const parsed = role.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new TocsinError('environment-invalid', { at, allowed: role.options, given: text });
}

/** An empty variable counts as unset: that is what compose files and unit files make of a missing value. */
function readValue(env: Environment, name: string): string | null {
  const value = env[name]?.trim();
  return value === undefined || value === '' ? null : value;
}
