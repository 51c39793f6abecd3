import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { sha256 } from '../../kernel/canonical.ts';
import { type Encoded, encode } from './compression.ts';

export interface Asset {
  type: string;
  body: Buffer;
  etag: string;
  encoded: Encoded;
}

const htmx = dirname(createRequire(import.meta.url).resolve('htmx.org'));
const own = join(import.meta.dirname, 'static');

/** Each script is a function of its own, and hears of the rest by events. */
export const scripts: readonly string[] = ['live', 'frame', 'copy', 'follow', 'acting', 'list', 'questions'];

/** From the frame to the parts: a part overrides what stands before it, and what small screens need overrides all. */
export const sheets: readonly string[] = [
  'base',
  'side',
  'content',
  'cards',
  'questions',
  'forms',
  'confirm',
  'acting',
  'samples',
  'output',
  'log',
  'lists',
  'journal',
  'list',
  'small',
  'frame',
  'pages',
  'terminal',
  'statistics',
  'pictures',
  'screens',
];

/**
 * The complete list of files, so that no path can reach another one. htmx and its extension are served as one script: htmx starts in a task
 * of its own after it was loaded, and an extension in a second script may load after that, which leaves the page without its stream.
 */
const files = new Map<string, { paths: readonly string[]; type: string }>([
  [
    'htmx.js',
    {
      paths: [join(htmx, 'htmx.min.js'), join(htmx, 'ext', 'hx-sse.min.js')],
      type: 'text/javascript; charset=utf-8',
    },
  ],
  ['console.js', { paths: scripts.map(name => join(own, 'js', `${name}.js`)), type: 'text/javascript; charset=utf-8' }],
  ['console.css', { paths: sheets.map(name => join(own, 'css', `${name}.css`)), type: 'text/css; charset=utf-8' }],
  ['icon.svg', { paths: [join(own, 'icon.svg')], type: 'image/svg+xml' }],
  ['icon-waiting.svg', { paths: [join(own, 'icon-waiting.svg')], type: 'image/svg+xml' }],
]);

const loaded = new Map<string, Asset>();

export async function findAsset(name: string): Promise<Asset | null> {
  const file = files.get(name);
  if (file === undefined) return null;
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const parts = await Promise.all(file.paths.map(path => readFile(path)));
  const body = Buffer.concat(parts.flatMap(part => [part, Buffer.from('\n')]));
  const asset = { type: file.type, body, etag: `"${sha256(body).slice(0, 32)}"`, encoded: await encode(body) };
  loaded.set(name, asset);
  return asset;
}
