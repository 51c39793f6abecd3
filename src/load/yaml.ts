import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { messageOf } from '../kernel/errors.ts';
import type { Problem } from '../ports/catalogue.ts';

/** The largest file, bytes. */
export const largestFile = 256 * 1024;
/** The most aliases: enough for a few shared parts, too few for an alias bomb ("billion laughs"). */
const mostAliases = 20;

export type Path = readonly PropertyKey[];

/** A parsed YAML file with positions. */
export interface YamlFile {
  file: string;
  data: unknown;
  /** Line and column, from 1, of the value at the path, or of its nearest existing parent. `offset` counts characters into a text. */
  locate(path: Path, offset?: number): { line: number; column: number };
  /** Line and column, from 1, of the key at the path. */
  locateKey(path: Path): { line: number; column: number };
  /** The value as written, cut to 80 characters; empty when it does not exist. */
  source(path: Path): string;
  /**
   * The text of a scalar that YAML reads as a number, true, false or null; null for any other value. Texts are in `data` as written, these
   * are not: 1.10 is 1.1 there. An alias has the text of its anchor.
   */
  written(path: Path): string | null;
  /** True for a file that was accepted earlier and belongs to a plan: what is refused since then is not refused in it. */
  stored: boolean;
}

export type Loaded = { ok: true; yaml: YamlFile } | { ok: false; problems: Problem[] };

/**
 * Parses one YAML 1.2 document (core schema) strictly, at most 256 KiB: warnings are errors, keys are unique strings, and there are at most
 * 20 aliases.
 */
export function loadYaml(file: string, bytes: Uint8Array, stored = false): Loaded {
  const [only] = loadAll(file, bytes, { stored, several: false });
  if (only === undefined) throw new Error('a file has a document');
  return only;
}

/** The same for a file with several documents, each of which is as good as its own content. At least one is returned. */
export function loadYamlDocuments(file: string, bytes: Uint8Array): Loaded[] {
  return loadAll(file, bytes, { stored: false, several: true });
}

function loadAll(
  file: string,
  bytes: Uint8Array,
  { stored, several }: { stored: boolean; several: boolean },
): Loaded[] {
  const refuse = (message: string, at = { line: 1, column: 1 }, more: Partial<Problem> = {}): Loaded => ({
    ok: false,
    problems: [{ file, ...at, code: 'file-invalid', message, level: 'error', ...more }],
  });
  if (bytes.length > largestFile)
    return [
      refuse('the file is too large', undefined, { allowed: `${largestFile} bytes`, given: `${bytes.length} bytes` }),
    ];
  const text = decode(bytes);
  if (text === null) return [refuse('the file is not UTF-8 text')];
  const lines = new LineCounter();
  const open = (document: Document.Parsed): Loaded => {
    const faults = [...document.errors, ...document.warnings].slice(0, 20);
    if (faults.length > 0)
      return {
        ok: false,
        problems: faults.flatMap(fault => problemsOf(refuse(explain(fault), place(lines, fault.pos[0])))),
      };
    const forbidden = findForbidden(document);
    if (forbidden !== null) return refuse(forbidden.message, place(lines, forbidden.offset));
    const data: unknown = document.toJS({ maxAliasCount: mostAliases });
    return { ok: true, yaml: reader(file, text, document, data, lines, stored) };
  };
  try {
    const options = { ...parseOptions, lineCounter: lines };
    if (!several) return [open(parseDocument(text, options))];
    const documents = parseAllDocuments(text, options);
    return Array.isArray(documents) && documents.length > 0 ? documents.map(open) : [refuse('the file is empty')];
  } catch (error) {
    return [refuse(error instanceof RangeError ? 'it is nested too deeply' : lowerFirst(messageOf(error)))];
  }
}

function problemsOf(loaded: Loaded): Problem[] {
  return loaded.ok ? [] : loaded.problems;
}

const parseOptions = {
  version: '1.2',
  schema: 'core',
  strict: true,
  uniqueKeys: true,
  stringKeys: true,
  merge: false,
  prettyErrors: false,
  logLevel: 'error',
} as const;

/** True for the ways in which YAML writes null. */
export function isNothing(written: string): boolean {
  return /^(~|null|Null|NULL|)$/.test(written);
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function explain(fault: { code: string; message: string }): string {
  const said: Record<string, string> = {
    DUPLICATE_KEY: 'this key is there twice',
    MULTIPLE_DOCS: 'a file has one document; take out the line with ---',
    TAG_RESOLVE_FAILED: 'this tag is not known; only plain texts, numbers, true, false, null, lists and maps are',
    TAB_AS_INDENT: 'a tab cannot indent; use spaces',
  };
  return said[fault.code] ?? lowerFirst(fault.message);
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);
const plainTags = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map(name => `tag:yaml.org,2002:${name}`),
);

interface Forbidden {
  message: string;
  offset: number;
}

/** Finds YAML features that are not allowed: other versions, tags that construct objects, keys with a meaning in JavaScript. */
function findForbidden(document: Document.Parsed): Forbidden | null {
  const { version, explicit } = document.directives.yaml;
  if (explicit === true && version !== '1.2')
    return { message: `YAML ${version} reads some texts otherwise; take out the directive`, offset: 0 };
  let found: Forbidden | null = null;
  const anchors = new Set<string>();
  visit(document, {
    Node(_key, node) {
      const offset = node.range?.[0] ?? 0;
      if (isAlias(node) && !anchors.has(node.source))
        found = { message: `there is no anchor "&${node.source}" before this`, offset };
      if (isAlias(node)) return found === null ? undefined : visit.BREAK;
      if (node.anchor !== undefined) anchors.add(node.anchor);
      if (node.tag !== undefined && !plainTags.has(node.tag))
        found = { message: explain({ code: 'TAG_RESOLVE_FAILED', message: '' }), offset };
      return found === null ? undefined : visit.BREAK;
    },
    Pair(_key, { key }) {
      if (isScalar(key) && key.type === 'PLAIN' && key.value === '<<')
        found = { message: 'merge keys are not read; write its entries here', offset: key.range?.[0] ?? 0 };
      if (isScalar(key) && forbiddenKeys.has(String(key.value)))
        found = { message: `the key "${key.value}" is not allowed`, offset: key.range?.[0] ?? 0 };
      return found === null ? undefined : visit.BREAK;
    },
  });
  return found;
}

function place(lines: LineCounter, offset: number) {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function reader(
  file: string,
  text: string,
  document: Document,
  data: unknown,
  lines: LineCounter,
  stored: boolean,
): YamlFile {
  const find = finder(document);
  return {
    file,
    data,
    stored,
    written(path) {
      const { node, whole } = find(path);
      const scalar = isAlias(node) ? node.resolve(document) : node;
      return whole && isScalar(scalar) && typeof scalar.value !== 'string' ? (scalar.source ?? null) : null;
    },
    locate(path, offset) {
      const { node } = find(path);
      const start = node?.range?.[0] ?? 0;
      return place(lines, offset === undefined || !isScalar(node) ? start : offsetIn(text, node, offset));
    },
    locateKey(path) {
      const { node } = find(path.slice(0, -1));
      const parent = isAlias(node) ? node.resolve(document) : node;
      const pair = isMap(parent)
        ? parent.items.find(item => isPair(item) && keyOf(item.key) === String(path.at(-1)))
        : undefined;
      const key = pair?.key;
      return place(lines, (isNode(key) ? key.range?.[0] : undefined) ?? parent?.range?.[0] ?? 0);
    },
    source(path) {
      const { node, whole } = find(path);
      if (!whole || !node?.range) return '';
      const written = text.slice(node.range[0], node.range[1]).trim().replace(/\s+/g, ' ');
      return written.length > 80 ? `${written.slice(0, 77)}...` : written;
    },
  };
}

function keyOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

/**
 * Finds the last existing node along a path, through aliases; `whole` when the path exists completely. Members are indexed, because a file
 * may ask for each of thousands.
 */
function finder(document: Document): (path: Path) => { node: Node | null; whole: boolean } {
  const indexes = new WeakMap<YAMLMap, Map<string, unknown>>();
  const anchors = new WeakMap<Node, Node | undefined>();

  function memberOf(map: YAMLMap, name: string): unknown {
    const index = indexes.get(map) ?? new Map(map.items.map(({ key, value }) => [keyOf(key), value] as const));
    indexes.set(map, index);
    return index.get(name);
  }

  function behind(node: Node | null): unknown {
    if (!isAlias(node)) return node;
    if (!anchors.has(node)) anchors.set(node, node.resolve(document));
    return anchors.get(node);
  }

  return path => {
    let node: Node | null = isNode(document.contents) ? document.contents : null;
    for (const step of path) {
      const parent = behind(node);
      const next = isMap(parent)
        ? memberOf(parent, String(step))
        : isSeq(parent)
          ? parent.items[Number(step)]
          : undefined;
      if (!isNode(next)) return { node, whole: false };
      node = next;
    }
    return { node, whole: true };
  };
}

/** The file offset of a character of a scalar's value, as exactly as escapes and folding allow. */
function offsetIn(
  text: string,
  node: { value: unknown; range?: readonly [number, number, number] | null | undefined; type?: string | undefined },
  offset: number,
): number {
  const [start, end] = node.range ?? [0, 0, 0];
  const value = String(node.value);
  const written = text.slice(start, end);
  if (node.type?.startsWith('BLOCK')) return offsetInBlock(written, value, start, offset);
  const at = written.indexOf(value);
  return at >= 0 ? start + at + offset : start;
}

/** The offset for a block scalar, where the indentation of each line is not part of the value. */
function offsetInBlock(written: string, value: string, start: number, offset: number): number {
  const before = value.slice(0, offset).split('\n');
  const line = value.split('\n')[before.length - 1] ?? '';
  let at = written.indexOf('\n') + 1;
  for (let skipped = 1; skipped < before.length; skipped++) at = written.indexOf('\n', at) + 1;
  const column = written.slice(at).indexOf(line);
  return start + at + Math.max(0, column) + (before.at(-1)?.length ?? 0);
}
