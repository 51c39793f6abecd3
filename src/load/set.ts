import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { canonicalJson, sha256 } from '../kernel/canonical.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { isMissing } from '../kernel/file-error.ts';
import type { Log } from '../kernel/log.ts';
import type { Config } from '../model/config.ts';
import type { CatalogueSet, Policy, Problem } from '../ports/catalogue.ts';
import type { ChatPlatform } from '../ports/chat.ts';
import type { Source } from '../ports/source.ts';
import { compileChanges, noChanges } from './changes.ts';
import { type CompiledConfig, compileConfig, standardConfig } from './config.ts';
import type { Draft } from './draft.ts';
import type { Env } from './environment.ts';
import { readTrustFiles } from './evidence.ts';
import { type FolderFile, readFolder, readImports } from './folder.ts';
import { compileGates, type GatesParts } from './gates.ts';
import { importDefault } from './import.ts';
import { compileKnownBad, noKnownBad } from './known-bad.ts';
import { checkTogether, checkWrittenSources, completeRunbook } from './link.ts';
import { compilePolicy } from './policy.ts';
import { type Faults, sortProblems, unreadable } from './problems.ts';
import { withDigest } from './resolve.ts';
import { createRoute } from './routes.ts';
import { compileTsRunbook } from './runbook-ts.ts';
import { compileYamlRunbook } from './runbook-yaml.ts';
import { readSigma } from './sigma.ts';
import type { Shelf } from './steps-yaml.ts';
import { loadYaml, type YamlFile } from './yaml.ts';

export interface LoadParts {
  /** The path of tocsin.yaml. */
  configPath: string;
  /** True when the path was given explicitly: then a missing file is an error. Otherwise the built-in defaults are used. */
  explicit: boolean;
  env: Env;
  sources: ReadonlyMap<string, Source>;
  steps: Shelf;
  /** The chat platforms, to check routes and `chat:`; not checked when left out. */
  platforms?: ReadonlyMap<string, ChatPlatform>;
  clock: Clock;
  log: Log;
}

export interface LoadedSet {
  /** Null when there are errors; warnings alone do not prevent a set. */
  set: CatalogueSet | null;
  problems: Problem[];
  /** The folder of runbooks, also where the files have errors. */
  folder: string;
  /** Folders and files to watch, because a change of them may change the set. */
  watched: readonly string[];
}

/** Reads and checks all files of the user. Resolves to all problems, and to the set when there are no errors. */
export async function loadSet(parts: LoadParts): Promise<LoadedSet> {
  const digests: Record<string, string> = {};
  const problems: Problem[] = [];
  const { compiled, config, named, sourceNames } = await readConfig(parts, digests, problems);
  const sigma = await readSigma(compiled?.sources.values() ?? [], parts.configPath);
  problems.push(...sigma.problems);
  Object.assign(digests, sigma.digests);
  const at = (path: string) => (isAbsolute(path) ? path : join(dirname(parts.configPath), path));
  const policyPath = at(config?.policy ?? './policy.yaml');
  const gatesPath = at(config?.gates ?? './gates.yaml');
  const folder = at(config?.runbooks ?? './runbooks');
  const trusted: string[] = [];
  const changesPath = at(config?.changes ?? './changes.yaml');
  const changes = await readChanges(changesPath, { config, named: named.changes, digests, problems });
  const knownBadPath = at(config?.knownBad ?? './known-bad.yaml');
  const knownBad = await readKnownBad(knownBadPath, { named: named.knownBad, digests, problems }, parts.clock);
  const policy = await readPolicy(policyPath, config, named.policy, digests, problems);
  const gated = await readGates(gatesPath, {
    config,
    policy: digests[policyPath] === undefined ? null : policy,
    platforms: parts.platforms ?? null,
    env: parts.env,
    named: named.gates,
    digests,
    problems,
    watched: trusted,
  });
  const { drafts, below } = await readRunbooks(
    folder,
    named.runbooks,
    parts,
    digests,
    problems,
    compiled?.sources ?? new Map(),
    config,
    sourceNames,
  );
  const failed = problems.some(problem => problem.level === 'error');
  const set =
    failed || compiled === null || policy === null || gated === null || changes === null || knownBad === null
      ? null
      : makeSet(compiled, { policy, ...gated, changes, knownBad }, drafts, digests, parts.log);
  return {
    set,
    problems: sortProblems(problems),
    folder,
    watched: [
      ...[parts.configPath, policyPath, gatesPath, changesPath, knownBadPath, folder],
      ...[...below, ...sigma.watched, ...trusted],
    ],
  };
}

/** The files and folders that tocsin.yaml may name. */
type NamedFile = 'policy' | 'gates' | 'changes' | 'knownBad' | 'runbooks';

interface ReadConfig {
  compiled: CompiledConfig | null;
  config: Config | null;
  /** Which paths tocsin.yaml names explicitly, so that they must exist. */
  named: Record<NamedFile, boolean>;
  /** The names under `sources`, also where something else in the file is wrong; null when it cannot be read at all. */
  sourceNames: readonly string[] | null;
}

async function readConfig(parts: LoadParts, digests: Record<string, string>, problems: Problem[]): Promise<ReadConfig> {
  const none = {
    compiled: null,
    config: null,
    named: namedIn({}),
    sourceNames: null,
  };
  const read = await readYaml(parts.configPath, digests);
  if (read === null && parts.explicit) {
    problems.push(missing(parts.configPath, 'there is no such file'));
    return none;
  }
  if (read?.ok === false) {
    problems.push(...read.problems);
    return none;
  }
  const yaml = read?.yaml ?? builtIn(parts);
  const { compiled, config, faults } = compileConfig(yaml, {
    env: parts.env,
    sources: parts.sources,
    platforms: parts.platforms ?? null,
  });
  problems.push(...faults.list);
  const data = (yaml.data ?? {}) as Record<string, unknown>;
  const sources = data['sources'];
  const sourceNames = sources !== null && typeof sources === 'object' ? Object.keys(sources) : [];
  return { compiled, config, named: namedIn(data), sourceNames };
}

function namedIn(data: Readonly<Record<string, unknown>>): Record<NamedFile, boolean> {
  const named = (one: NamedFile) => data[one] !== undefined;
  return {
    policy: named('policy'),
    gates: named('gates'),
    changes: named('changes'),
    knownBad: named('knownBad'),
    runbooks: named('runbooks'),
  };
}

/** The config without a tocsin.yaml, without sources that this build does not have. */
function builtIn(parts: LoadParts): YamlFile {
  const sources = Object.fromEntries(
    Object.entries(standardConfig.sources).filter(([name]) => parts.sources.has(name)),
  );
  const here = { line: 1, column: 1 };
  return {
    file: parts.configPath,
    data: { ...standardConfig, sources },
    locate: () => here,
    locateKey: () => here,
    source: () => '',
    written: () => null,
    stored: false,
  };
}

function missing(file: string, message: string): Problem {
  return { file, line: 1, column: 1, code: 'file-missing', message, level: 'error' };
}

/** Null when the file does not exist. */
async function readYaml(file: string, digests: Record<string, string>) {
  try {
    const bytes = await readFile(file);
    digests[file] = sha256(bytes);
    return loadYaml(file, bytes);
  } catch (error) {
    if (isMissing(error)) return null;
    return { ok: false as const, problems: [unreadable(file, error)] };
  }
}

async function readPolicy(
  file: string,
  config: Config | null,
  named: boolean,
  digests: Record<string, string>,
  problems: Problem[],
): Promise<Policy | null> {
  const read = await readYaml(file, digests);
  if (read === null && named) problems.push(missing(file, 'there is no such policy file'));
  if (read === null) return { rules: [] };
  if (!read.ok) {
    problems.push(...read.problems);
    return null;
  }
  const { policy, faults } = compilePolicy(read.yaml, config);
  problems.push(...faults.list);
  return policy;
}

async function readGates(
  file: string,
  { named, digests, problems, watched, ...parts }: ReadParts & { watched: string[] },
): Promise<Gated | null> {
  const read = await readYaml(file, digests);
  if (read === null && named) problems.push(missing(file, 'there is no such file of gates'));
  if (read === null) return { gates: new Map(), doors: { kubernetes: null }, gateTargets: [] };
  if (!read.ok) {
    problems.push(...read.problems);
    return null;
  }
  const files = await readTrustFiles(read.yaml.data, dirname(file));
  for (const { path, text } of files.values()) digests[path] = sha256(text ?? '');
  watched.push(...[...files.values()].map(one => one.path));
  const { gates, doors, targets, faults } = compileGates(read.yaml, { ...parts, files });
  problems.push(...faults.list);
  return gates === null ? null : { gates, doors, gateTargets: targets };
}

async function readChanges(
  file: string,
  { config, named, digests, problems }: Omit<ReadParts, 'policy' | 'platforms' | 'env'>,
): Promise<CatalogueSet['changes'] | null> {
  const read = await readYaml(file, digests);
  if (read === null && named) problems.push(missing(file, 'there is no such file of changes'));
  if (read === null) return noChanges;
  if (!read.ok) {
    problems.push(...read.problems);
    return null;
  }
  const { changes, faults } = compileChanges(read.yaml, config);
  problems.push(...faults.list);
  return changes;
}

type Gated = Pick<CatalogueSet, 'gates' | 'doors'> & { gateTargets: CatalogueSet['targets'] };

async function readKnownBad(
  file: string,
  { named, digests, problems }: Pick<ReadParts, 'named' | 'digests' | 'problems'>,
  clock: Clock,
): Promise<CatalogueSet['knownBad'] | null> {
  const read = await readYaml(file, digests);
  if (read === null && named) problems.push(missing(file, 'there is no such file of what is known to be bad'));
  if (read === null) return noKnownBad;
  if (!read.ok) {
    problems.push(...read.problems);
    return null;
  }
  const { knownBad, faults } = compileKnownBad(read.yaml, clock.now());
  problems.push(...faults.list);
  return knownBad;
}

interface ReadParts extends Omit<GatesParts, 'files'> {
  /** Whether tocsin.yaml names the file, so that it must exist. */
  named: boolean;
  digests: Record<string, string>;
  problems: Problem[];
}

async function readRunbooks(
  folder: string,
  named: boolean,
  parts: LoadParts,
  digests: Record<string, string>,
  problems: Problem[],
  sources: CompiledConfig['sources'],
  config: Config | null,
  sourceNames: readonly string[] | null,
): Promise<{ drafts: Map<string, Draft>; below: readonly string[] }> {
  const found = await readFolder(folder, named);
  problems.push(...found.problems);
  const drafts = new Map<string, Draft>();
  const collected: Faults[] = [];
  const people = config === null ? null : Object.keys(config.people);
  for (const file of found.files.values()) {
    const { draft, faults, broken } = await readRunbook(folder, file, people, parts);
    for (const [path, bytes] of draft?.own ?? [[file.path, file.bytes] as const])
      digests[join(folder, path)] = sha256(bytes);
    if (faults !== null) collected.push(faults);
    // What is wrong elsewhere must not hide it; with a draft and a configuration it is checked together with them.
    if (faults !== null && sourceNames !== null && (draft === null || config === null))
      checkWrittenSources(faults, sourceNames);
    problems.push(...broken);
    if (draft !== null) drafts.set(file.id, draft);
  }
  checkTogether(drafts, { names: new Set(found.files.keys()), config, sources });
  for (const faults of collected) problems.push(...faults.list);
  return { drafts, below: found.below };
}

interface ReadRunbook {
  draft: Draft | null;
  faults: Faults | null;
  broken: readonly Problem[];
}

type People = readonly string[] | null;

async function readRunbook(folder: string, file: FolderFile, people: People, parts: LoadParts): Promise<ReadRunbook> {
  if (file.kind === 'ts') return readTypeScript(folder, file, people, parts);
  const loaded = loadYaml(file.file, file.bytes);
  if (!loaded.ok) return { draft: null, faults: null, broken: loaded.problems };
  return { ...compileYamlRunbook(file.id, loaded.yaml, file.bytes, parts.steps, people), broken: [] };
}

/** The time-out of loading a module, milliseconds: a top-level await that never ends must not block everything else. */
const loadTimeout = 10_000;

async function readTypeScript(
  folder: string,
  file: FolderFile,
  people: People,
  parts: LoadParts,
): Promise<ReadRunbook> {
  try {
    const own = await readImports(folder, file);
    const digest = sha256(canonicalJson(Object.fromEntries([...own].map(([path, bytes]) => [path, sha256(bytes)]))));
    const exported = await inTime(parts.clock, importDefault(withDigest(pathToFileURL(file.file).href, digest)));
    return { ...compileTsRunbook(file.id, file.file, file.path, own, exported, people), broken: [] };
  } catch (error) {
    return { draft: null, faults: null, broken: [importProblem(file, error)] };
  }
}

async function inTime<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = clock.sleep(loadTimeout, stop.signal).then(() => {
    throw new Error(`it did not load within ${loadTimeout / 1000} seconds`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
  }
}

/** A problem at the position from the stack, if there is one. The stack itself is not shown. */
function importProblem(file: FolderFile, error: unknown): Problem {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const place = stack
    .split('\n')
    .map(line => new RegExp(`${file.path.replace(/\W/g, '\\$&')}[^:]*:(\\d+)(?::(\\d+))?`).exec(line))
    .find(match => match !== null);
  return {
    file: file.file,
    line: Number(place?.[1] ?? 1),
    column: Number(place?.[2] ?? 1),
    code: 'file-invalid',
    message: `the runbook does not load: ${messageOf(error).split('\n')[0]}`,
    level: 'error',
  };
}

function makeSet(
  compiled: CompiledConfig,
  read: Gated & { policy: Policy } & Pick<CatalogueSet, 'changes' | 'knownBad'>,
  drafts: ReadonlyMap<string, Draft>,
  digests: Record<string, string>,
  log: Log,
): CatalogueSet {
  const runbooks = new Map([...drafts].map(([id, draft]) => [id, completeRunbook(draft, drafts)]));
  const { gateTargets, ...files } = read;
  return {
    ...files,
    config: compiled.config,
    runbooks,
    sources: compiled.sources,
    route: createRoute(compiled.routes, error =>
      log.warn({ error: messageOf(error) }, 'a route could not be evaluated; the next one is asked'),
    ),
    targets: [...compiled.targets, ...gateTargets],
    expectations: compiled.expectations,
    digest: sha256(canonicalJson(digests)),
    view: {
      runbooks: [...runbooks.values()].map(runbook => runbook.view),
      rules: files.policy.rules.map(rule => ({ name: rule.name, decide: rule.decide, when: rule.text })),
      // A set is made only when there are no errors.
      problems: [],
    },
  };
}
