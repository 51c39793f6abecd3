/** The command line; bin/tocsin.js imports it. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
process.title = 'tocsin';
const [{ runCli }, { processTerminal, readVersion }] = await Promise.all([
  import('./cli/index.ts'),
  import('./cli/process.ts'),
]);
process.exit(await runCli(process.argv.slice(2), processTerminal(process.env), readVersion()));
