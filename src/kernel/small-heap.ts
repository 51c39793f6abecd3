import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** How long after the last large piece of work V8 keeps its memory small, milliseconds: what follows from the work is done by then. */
const lasting = 60_000;

/** The size from which on the young generation grows no more, bytes. A smaller one costs more time in collections. */
const youngEnough = 16 * 1024 * 1024;
/** How often its size is looked at until then, milliseconds. */
const every = 5;

let end: NodeJS.Timeout | null = null;
let looking: NodeJS.Timeout | null = null;

/**
 * Keeps the heap small while a large body is worked on, and for a minute after. V8 would let its young generation grow to three times
 * 32 MB for a single body of 20 MB, and keep it. It is not for always, because small events under load then take some 10 % longer.
 * V8's flags take effect at once, for the next growth of a generation.
 */
export function keepHeapSmall(): void {
  if (end === null) {
    // The old generation grows by 70 % between two collections at most.
    setFlagsFromString('--heap-growing-percent=70');
    looking = setInterval(stopYoungGrowth, every).unref();
  } else clearTimeout(end);
  end = setTimeout(useUsual, lasting).unref();
}

function stopYoungGrowth(): void {
  const young = getHeapSpaceStatistics().find(space => space.space_name === 'new_space');
  if ((young?.space_size ?? 0) < youngEnough) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  stopLooking();
}

/** V8's own values. */
function useUsual(): void {
  end = null;
  stopLooking();
  setFlagsFromString('--semi-space-growth-factor=2');
  setFlagsFromString('--heap-growing-percent=0');
}

function stopLooking(): void {
  if (looking !== null) clearInterval(looking);
  looking = null;
}
