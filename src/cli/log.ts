import { pino } from 'pino';
import type { Log } from '../kernel/log.ts';
import { visible } from '../kernel/text.ts';
import type { Terminal } from './terminal.ts';

/** Logs with pino to standard error: one JSON object a line, or a readable line on a terminal. */
export function createLog(level: string, terminal: Terminal): Log {
  const write = (line: string) => terminal.err(terminal.interactive ? forPeople(line) : line.trimEnd());
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}

const levels: Record<number, string> = { 20: 'debug', 30: 'info ', 40: 'warn ', 50: 'error', 60: 'fatal' };

/** `09:12:44 warn  refused at the door  source=alertmanager code=bad-signature`, and the stack of an error below it. */
function forPeople(line: string): string {
  const { level, time, msg, err, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const clock = typeof time === 'string' ? time.slice(11, 19) : '';
  const shown = Object.entries(facts).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const stack = err === undefined ? '' : `\n${(err as { stack?: string }).stack ?? JSON.stringify(err)}`;
  const words = [clock, levels[Number(level)] ?? String(level), String(msg ?? ''), shown.join(' ')].filter(
    word => word !== '',
  );
  return visible(words.join('  ') + stack);
}
