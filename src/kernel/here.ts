import { fileURLToPath } from 'node:url';

/** True in an installed package, which is JavaScript. A checkout and the image run the TypeScript sources. */
export const isBuilt = import.meta.url.endsWith('.js');

/** The folder of package.json, with a slash at its end. */
export const packageRoot = fileURLToPath(new URL(isBuilt ? '../../../' : '../../', import.meta.url));

/** The URL of a module for a thread or a process of its own: `path` names the source, relative to the module at `from`. */
export function moduleUrl(path: `.${string}.ts`, from: string): URL {
  return new URL(isBuilt ? path.replace(/\.ts$/, '.js') : path, from);
}
