import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { sha256 } from '../kernel/canonical.ts';
import { compileSigma, type SigmaOptions } from '../model/records/records.ts';
import type { ConfiguredSource, Problem } from '../ports/catalogue.ts';
import { unreadable } from './problems.ts';
import { loadYamlDocuments, type YamlFile } from './yaml.ts';

/** Files of all folders of a source, and how deep they lie. */
const mostFiles = 5000;
const deepest = 8;

/** What reading the rules adds to a set. */
export interface ReadSigma {
  problems: Problem[];
  /** The folders and files to watch. */
  watched: string[];
  digests: Record<string, string>;
}

/** Reads and compiles the Sigma rules that sources name, and gives each source its own. Paths are relative to tocsin.yaml. */
export async function readSigma(sources: Iterable<ConfiguredSource>, configPath: string): Promise<ReadSigma> {
  const read: ReadSigma = { problems: [], watched: [], digests: {} };
  for (const source of sources) {
    const sigma = sigmaOf(source);
    const spec = source.driver.records?.(source.options);
    if (sigma === undefined || spec == null) continue;
    const paths = sigma.files.map(path => (isAbsolute(path) ? path : join(dirname(configPath), path)));
    const documents = await readDocuments(paths, read);
    const { rules, problems } = compileSigma(
      documents.map(({ data }) => data),
      sigma,
      spec.format,
      spec.rules.map(({ name }) => name),
    );
    for (const { document, fault, isError } of problems) {
      const yaml = documents[document];
      if (yaml === undefined) continue;
      const { at, code, message, allowed, given, offset } = fault;
      read.problems.push({
        file: yaml.file,
        ...yaml.locate(at, offset),
        code: code === 'sigma-unsupported' ? code : 'file-invalid',
        message: `${titleOf(yaml)}: ${message}`,
        level: isError ? 'error' : 'warning',
        ...(allowed === undefined ? {} : { allowed }),
        ...(given === undefined ? {} : { given }),
      });
    }
    source.rules = rules;
  }
  return read;
}

function sigmaOf({ options }: ConfiguredSource): SigmaOptions | undefined {
  return (options as { sigma?: SigmaOptions }).sigma;
}

/** How people find the rule in a file of several. */
function titleOf({ data }: YamlFile): string {
  const { title } = (data ?? {}) as { title?: unknown };
  return typeof title === 'string' ? `rule "${title.slice(0, 100)}"` : 'a rule without a title';
}

async function readDocuments(paths: readonly string[], read: ReadSigma): Promise<YamlFile[]> {
  const files = new Set<string>();
  for (const path of paths) await collect(path, files, read, 0);
  if (files.size > mostFiles) {
    const [file = ''] = paths;
    const message = `there are more than ${mostFiles} files of rules`;
    read.problems.push({ file, line: 1, column: 1, code: 'file-invalid', message, level: 'error' });
    return [];
  }
  const documents: YamlFile[] = [];
  for (const file of files) {
    const bytes = await readFile(file).catch((error: unknown) => {
      read.problems.push(unreadable(file, error));
      return null;
    });
    if (bytes === null) continue;
    read.digests[file] = sha256(bytes);
    for (const loaded of loadYamlDocuments(file, bytes)) {
      if (loaded.ok) documents.push(loaded.yaml);
      else read.problems.push(...loaded.problems);
    }
  }
  return documents;
}

/** Links to files are followed: in Kubernetes a mounted ConfigMap consists of them. */
async function collect(path: string, files: Set<string>, read: ReadSigma, depth: number): Promise<void> {
  read.watched.push(path);
  try {
    if (!(await stat(path)).isDirectory()) return void files.add(path);
    const names = (await readdir(path)).filter(name => !name.startsWith('.')).sort();
    for (const name of names) {
      if (files.size > mostFiles) return;
      const inside = join(path, name);
      const isFolder = (await stat(inside)).isDirectory();
      if (isFolder && depth < deepest) await collect(inside, files, read, depth + 1);
      else if (!isFolder && /\.ya?ml$/.test(name)) files.add(inside);
    }
  } catch (error) {
    read.problems.push(unreadable(path, error, 'the rules'));
  }
}
