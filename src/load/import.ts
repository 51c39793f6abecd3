import { registerResolver } from './resolve.ts';

/** The default export of a module. Node caches modules by URL, so each URL is loaded once. */
export async function importDefault(url: string): Promise<unknown> {
  registerResolver();
  const module: { default?: unknown } = await import(url);
  return module.default;
}
