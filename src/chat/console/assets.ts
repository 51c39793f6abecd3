import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { sha256 } from '../../kernel/canonical.ts';

export interface Asset {
  type: string;
  body: Buffer;
  etag: string;
}

const htmx = dirname(createRequire(import.meta.url).resolve('htmx.org'));
const own = join(import.meta.dirname, 'static');

/** Every file there is, so that no name leads anywhere else. */
const files = new Map<string, { path: string; type: string }>([
  ['htmx.js', { path: join(htmx, 'htmx.min.js'), type: 'text/javascript; charset=utf-8' }],
  ['sse.js', { path: join(htmx, 'ext', 'hx-sse.min.js'), type: 'text/javascript; charset=utf-8' }],
  ['console.js', { path: join(own, 'console.js'), type: 'text/javascript; charset=utf-8' }],
  ['console.css', { path: join(own, 'console.css'), type: 'text/css; charset=utf-8' }],
  ['icon.svg', { path: join(own, 'icon.svg'), type: 'image/svg+xml' }],
]);

const loaded = new Map<string, Asset>();

export async function findAsset(name: string): Promise<Asset | null> {
  const file = files.get(name);
  if (file === undefined) return null;
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const body = await readFile(file.path);
  const asset = { type: file.type, body, etag: `"${sha256(body).slice(0, 32)}"` };
  loaded.set(name, asset);
  return asset;
}
