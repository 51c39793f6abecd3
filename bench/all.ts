/**
 * `npm run bench`: measures everything that has a target, first on SQLite (bench/run.ts), then on PostgreSQL and Redis (bench/fleet.ts), the expressions, and commands.
 * Exits with 1 when a target is missed. `-- single ...` or `-- fleet ...` runs one of them with further arguments; `-- --quick` is short.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const benches = {
  single: './run.ts',
  fleet: './fleet.ts',
  group: './group.ts',
  expressions: './expressions.ts',
  commands: './commands.ts',
  files: './files.ts',
};

const [first = '', ...rest] = process.argv.slice(2);
const chosen = Object.entries(benches).filter(([name]) => !Object.hasOwn(benches, first) || name === first);
const words = Object.hasOwn(benches, first) ? rest : process.argv.slice(2);
const ends = chosen.map(([, file]) => {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return spawnSync(process.execPath, [path, ...words], { stdio: 'inherit' }).status ?? 1;
});
process.exit(Math.max(...ends));
