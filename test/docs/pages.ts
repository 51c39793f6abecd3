import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The root of the repository. */
export const root = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');

/** A block of code in a page. `label` is what its first-line comment says that it is: `runbooks/x.yaml`, `tocsin.yaml`. */
export interface Block {
  page: string;
  /** Where it begins, from 1. */
  line: number;
  language: string;
  label: string | null;
  text: string;
}

export interface Page {
  /** Relative to the root. */
  path: string;
  text: string;
  blocks: Block[];
  anchors: ReadonlySet<string>;
}

/** The pages that people write: README and its like, and docs/*.md except for what is generated. */
export function readPages(): Page[] {
  const docs = readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md') && name !== 'errors.md')
    .map(name => `docs/${name}`);
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs].map(readPage);
}

export function readPage(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, text, blocks: blocksOf(path, text), anchors: anchorsOf(text) };
}

function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open: { line: number; language: string; lines: string[] } | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(\S*)\s*$/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === null) open = { line: index + 1, language: fence[1] ?? '', lines: [] };
    else {
      const label = /^(?:#|\/\/)\s+(\S+)$/.exec(open.lines[0] ?? '')?.[1] ?? null;
      blocks.push({ page, line: open.line, language: open.language, label, text: `${open.lines.join('\n')}\n` });
      open = null;
    }
  }
  if (open !== null) throw new Error(`${page}:${open.line}: a block of code has no end`);
  return blocks;
}

/** The text without its blocks of code. */
export function proseOf(page: Page): string {
  return page.text.replace(/^```[\s\S]*?^```/gm, '');
}

/** Anchors as GitHub makes them of headings: lower case, punctuation left out, dashes for spaces, numbered when there twice. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const prose = text.replace(/^```[\s\S]*?^```/gm, '');
  for (const [, heading = ''] of prose.matchAll(/^#{1,6}\s+(.+)$/gm)) {
    const plain = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[`*]/g, '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    let anchor = plain;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${plain}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Links that lead to files of this repository, relative to it. */
export function linksOf(page: Page): { target: string; path: string; anchor: string | null }[] {
  const found = proseOf(page).matchAll(/\]\(([^)\s]+)\)/g);
  return [...found].flatMap(([, target = '']) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [file = '', anchor = null] = target.split('#');
    const path = file === '' ? page.path : relative(root, join(root, page.path, '..', file));
    return [{ target, path, anchor }];
  });
}
