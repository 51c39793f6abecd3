/**
 * `npm run bench`: measures everything that has a target (benches.ts) and does not take an hour. Exits with 1 when a target is missed. `-- NAME ...` runs one of them
 * with further arguments; `-- --quick` is short. `-- --page` writes docs/performance.md with what all of them measured, `-- NAME --page` one part of it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benches } from './benches.ts';
import { renderPage, replacePart } from './page.ts';
import type { BenchRecord } from './report.ts';

const [first = '', ...rest] = process.argv.slice(2);
const isOne = Object.hasOwn(benches, first);
const words = (isOne ? rest : process.argv.slice(2)).filter(word => word !== '--page');
const folder = mkdtempSync(join(tmpdir(), 'tocsin-bench-page-'));
const records = join(folder, 'records');
writeFileSync(records, '');
const ends = Object.entries(benches)
  .filter(([name, { named }]) => (isOne ? name === first : named !== true))
  .map(([name, { file }]) => {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const env = { ...process.env, BENCH_RECORDS: records, BENCH_NAME: name };
    return spawnSync(process.execPath, [path, ...words], { stdio: 'inherit', env }).status ?? 1;
  });
if (process.argv.includes('--page')) {
  const all = readFileSync(records, 'utf8').split('\n').filter(Boolean);
  const measured = all.map(line => JSON.parse(line) as BenchRecord);
  const page = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
  writeFileSync(page, isOne ? replacePart(readFileSync(page, 'utf8'), first, measured) : renderPage(measured));
}
rmSync(folder, { recursive: true });
process.exit(Math.max(...ends));
