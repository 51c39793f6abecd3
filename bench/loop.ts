/** Loaded into a measured process (`--import`): on SIGUSR2 it appends the longest block of the event loop since the last time, ms, to a file. */
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolution = 1;
const delay = monitorEventLoopDelay({ resolution });
delay.enable();
process.on('SIGUSR2', () => {
  appendFileSync(process.env['BENCH_LOOP'] ?? '', `${(delay.max / 1e6 - resolution).toFixed(1)}\n`);
  delay.reset();
});
