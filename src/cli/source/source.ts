import { randomBytes } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TocsinError } from '../../kernel/errors.ts';
import { fileError, isMissing } from '../../kernel/file-error.ts';
import type { Source, SourceSetup } from '../../ports/source.ts';
import { setupSteps } from '../../ports/source-setup.ts';
import { type CliCommand, type CliInput, usage } from '../command.ts';
import { readSettings, readUrl } from '../environment.ts';
import { loadParts } from '../files.ts';
import { exitCode, type Terminal } from '../terminal.ts';
import { withSource } from './yaml.ts';

export const source: CliCommand = {
  name: 'source',
  about:
    'Adds a source to tocsin.yaml, with a fresh secret, and says what to do at its sender. `list` shows the types.',
  usage: 'add <type> [name] | list',
  options: [
    {
      name: 'env-file',
      about: 'Append the secret to this file of variables, which only you may read, instead of showing how to set it.',
      value: 'file',
    },
    { name: 'url', about: 'Where the sender reaches Tocsin, as https://tocsin.example.com.', value: 'url' },
  ],
  words: { least: 1, most: 3 },
  examples: [
    'tocsin source list',
    'tocsin source add grafana',
    'tocsin source add datadog datadog-eu --url https://tocsin.example.com --env-file /etc/tocsin.env',
  ],
  async run(input, terminal) {
    const [act, type, name] = input.words;
    const { sources } = await loadParts(terminal);
    if (act === 'list' && type === undefined) {
      for (const one of sources.values()) if (one.setup !== undefined) terminal.out(`${one.id.padEnd(24)}${one.about}`);
      return exitCode.ok;
    }
    if (act !== 'add' || type === undefined)
      throw usage(source, `${JSON.stringify(input.words.join(' '))} is neither add <type> nor list.`);
    await add(driverOf(type, sources), name ?? type, input, terminal);
    return exitCode.ok;
  },
};

function driverOf(type: string, sources: ReadonlyMap<string, Source>): Source & { setup: SourceSetup } {
  const driver = sources.get(type);
  if (driver?.setup !== undefined) return driver as Source & { setup: SourceSetup };
  throw new TocsinError('not-found', {
    message: driver === undefined ? 'There is no such type of source.' : 'This type of source has no sender.',
    allowed: [...sources.values()].filter(one => one.setup !== undefined).map(one => one.id),
    given: type,
  });
}

async function add(
  { id, setup }: Source & { setup: SourceSetup },
  name: string,
  input: CliInput,
  terminal: Terminal,
): Promise<void> {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name))
    throw usage(
      source,
      `${JSON.stringify(name)} is no name: letters a to z, digits and dashes, as it stands in an address.`,
    );
  const variable = `${name.toUpperCase().replaceAll('-', '_')}_SECRET`;
  const { configPath } = readSettings(terminal.env, terminal.cwd);
  const before = await readIfThere(configPath);
  const options = {
    ...(id === name ? {} : { type: id }),
    ...(fill(setup.options, { secret: `\${${variable}}`, name }) as object),
  };
  const after = withSource(before ?? '', configPath, name, options);
  const secret = setup.secret === 'ours' ? randomBytes(32).toString('base64url') : null;
  const envFile = input.options.get('env-file')?.[0];
  // The secret first: a source whose secret is missing keeps Tocsin from starting.
  if (secret !== null && envFile !== undefined)
    await appendSecret(resolve(terminal.cwd, envFile), `${variable}=${secret}`, terminal);
  await replaceFile(configPath, after);
  terminal.err(`Added ${name} to ${configPath}.`);
  if (secret !== null && envFile === undefined)
    terminal.err(`Set ${variable} in the environment of Tocsin, and start it again:`);
  if (secret !== null && envFile === undefined) terminal.out(`export ${variable}=${secret}`);
  const base = (input.options.get('url')?.[0] ?? readUrl(terminal.env)).replace(/\/+$/, '');
  const url = `${base}/events/${name}`;
  const words = { url, name, variable, secret: secret ?? `the value of ${variable}` };
  for (const [index, step] of setupSteps(setup, words).entries()) terminal.out(`${index + 1}. ${step}`);
  terminal.err(`More: ${setup.page}. Then: tocsin check, and tocsin doctor once it runs.`);
}

function fill(value: unknown, words: { secret: string; name: string }): unknown {
  if (typeof value === 'string') return value.replaceAll('{secret}', words.secret).replaceAll('{name}', words.name);
  if (Array.isArray(value)) return value.map(one => fill(one, words));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner, words)]));
}

async function readIfThere(path: string): Promise<string | null> {
  return await readFile(path, 'utf8').catch(error => {
    if (isMissing(error)) return null;
    throw fileError(error, path, path);
  });
}

async function appendSecret(path: string, line: string, terminal: Terminal): Promise<void> {
  const before = (await readIfThere(path)) ?? '';
  const name = line.slice(0, line.indexOf('=') + 1);
  if (before.split('\n').some(one => one.replace(/^export /, '').startsWith(name)))
    throw new TocsinError('conflict', {
      message: 'The file has this variable already, and nothing was changed.',
      at: path,
      given: name.slice(0, -1),
      remedy: 'Remove the line, or give the source another name.',
    });
  const whole = before === '' || before.endsWith('\n') ? before : `${before}\n`;
  await replaceFile(path, `${whole}${line}\n`, 0o600);
  terminal.err(`The secret is in ${path}. Start Tocsin again with it.`);
}

/** Written beside it and moved, so that nobody reads half of a file. A file that was there keeps its mode, and a new one is `mode`. */
async function replaceFile(path: string, text: string, mode = 0o644): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    const known = await stat(path).catch(() => null);
    await writeFile(beside, text, { flag: 'wx', mode: known === null ? mode : known.mode & 0o777 });
    await rename(beside, path);
  } catch (error) {
    throw fileError(error, path, path, 'Name a file that this user may write.');
  }
}
