import { registerResolver } from './resolve.ts';

/** The default export of a module. The address decides what is loaded: one address is loaded once. */
export async function importDefault(url: string): Promise<unknown> {
  registerResolver();
  const module: { default?: unknown } = await import(url);
  return module.default;
}
