/** `npm run generate` writes every generated file; with --check it writes nothing and fails when one is not current. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const checking = process.argv.includes('--check');

/** Each file in scripts/generate/ default-exports a function that makes texts by path, relative to the project. */
type Generator = () => Promise<Record<string, string>> | Record<string, string>;

const stale: string[] = [];
for (const name of readdirSync(join(import.meta.dirname, 'generate')).sort()) {
  if (!name.endsWith('.ts')) continue;
  const { default: generate }: { default: Generator } = await import(`./generate/${name}`);
  for (const [path, text] of Object.entries(await generate())) {
    if (read(path) === text) continue;
    stale.push(path);
    if (checking) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

if (stale.length === 0) console.log('generated files are current');
else console.log(`${checking ? 'not current (run npm run generate)' : 'written'}: ${stale.join(', ')}`);
process.exitCode = checking && stale.length > 0 ? 1 : 0;

function read(path: string): string | null {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
