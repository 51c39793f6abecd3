/** `npm start`: the process itself, with the options of `tocsin start`. Its modules are compiled once and kept, so that the next start is quick. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
process.title = 'tocsin';
const argv = process.argv.slice(2);
const { processTerminal, readVersion } = await import('./cli/process.ts');
const terminal = processTerminal(process.env);
if (argv.length === 0) process.exit(await (await import('./cli/start.ts')).startTocsin(terminal));
process.exit(await (await import('./cli/index.ts')).runCli(['start', ...argv], terminal, readVersion()));
