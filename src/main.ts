/** `npm start`: the process itself. Its modules are compiled once and kept, so that the next start is quick. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
process.title = 'tocsin';
const [{ startTocsin }, { processTerminal }] = await Promise.all([
  import('./cli/start.ts'),
  import('./cli/process.ts'),
]);
process.exit(await startTocsin(processTerminal(process.env)));
