import { setFlagsFromString } from 'node:v8';

/** How long after the last large piece of work V8 keeps its memory small, milliseconds: what follows from the work is done by then. */
const lasting = 60_000;

/** V8's own values. Its flags take effect at once, for the next growth of a generation. */
const usual = ['--semi-space-growth-factor=2', '--heap-growing-percent=0'];
/** The young generation does not grow, and the old one by 40 % between two collections. */
const small = ['--semi-space-growth-factor=1', '--heap-growing-percent=40'];

let timer: NodeJS.Timeout | null = null;

/**
 * Keeps the heap small while a large body is worked on, and for a minute after. V8 would let its young generation grow to three times
 * 32 MB for a single body of 20 MB, and keep it. It is not for always, because small events under load then take some 10 % longer.
 */
export function keepHeapSmall(): void {
  if (timer === null) for (const flag of small) setFlagsFromString(flag);
  else clearTimeout(timer);
  timer = setTimeout(() => {
    timer = null;
    for (const flag of usual) setFlagsFromString(flag);
  }, lasting);
  timer.unref();
}
