import { registerHooks } from 'node:module';
import { isBuilt, moduleUrl } from '../kernel/here.ts';

const entry = moduleUrl('../index.ts', import.meta.url).href;
const format = isBuilt ? 'module' : 'module-typescript';
const mark = 'tocsin-load=';
let registered = false;

/**
 * Registers a module resolver, once. It lets runbooks and commands import `tocsin` from any folder, also in stored snapshots. A file that
 * is imported with a digest in its URL passes the digest on to its relative imports, so that an edit of any of them reloads all of them.
 */
export function registerResolver() {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'tocsin') return { url: entry, format, shortCircuit: true };
      const resolved = next(specifier, context);
      const digest = specifier.startsWith('.') ? digestOf(context.parentURL) : null;
      const url = digest === null ? resolved.url : `${resolved.url}?${mark}${digest}`;
      // Runbooks and commands are modules, whatever the package.json above them says, or does not say, which Node warns of.
      return digestOf(url) !== null && /\.ts\?/.test(url)
        ? { ...resolved, url, format: 'module-typescript' }
        : { ...resolved, url };
    },
  });
}

export function withDigest(url: string, digest: string): string {
  return `${url}?${mark}${digest}`;
}

function digestOf(url: string | undefined): string | null {
  const at = url?.indexOf(`?${mark}`) ?? -1;
  return url === undefined || at < 0 ? null : url.slice(at + mark.length + 1);
}
