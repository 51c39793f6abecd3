/** The entry of `npm start`, with the options of `tocsin start`. Node's compile cache makes the next start faster. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
process.title = 'tocsin';
const argv = process.argv.slice(2);
const { processTerminal, readVersion } = await import('./cli/process.ts');
const terminal = processTerminal(process.env);
if (argv.length === 0) process.exit(await (await import('./cli/start.ts')).startTocsin(terminal));
process.exit(await (await import('./cli/index.ts')).runCli(['start', ...argv], terminal, readVersion()));
