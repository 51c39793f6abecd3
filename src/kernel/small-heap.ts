import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** How long after the last large piece of work V8 keeps its memory small, milliseconds: what follows from the work is done by then. */
const lasting = 60_000;

/**
 * The size from which on the young generation grows no more, bytes: usually, and while a large body is worked on. Small events leave little
 * alive, so that a larger one saves no processor time; under load V8 would let it grow to 134 MB and keep it.
 */
const youngEnough = { usual: 32 * 1024 * 1024, large: 16 * 1024 * 1024 };
/** How often its size is looked at while a large body is worked on, milliseconds. */
const every = 5;

let end: NodeJS.Timeout | null = null;
let looking: NodeJS.Timeout | null = null;
let observer: PerformanceObserver | null = null;
let growth = 2;

/** From now on the young generation is bounded for the usual load too: its size is looked at after each collection. */
export function boundYoungGeneration(): void {
  observer ??= new PerformanceObserver(look);
  observer.observe({ entryTypes: ['gc'] });
}

/**
 * Keeps the heap small while a large body is worked on, and for a minute after. V8 would let its young generation grow to three times
 * 32 MB for a single body of 20 MB, and keep it. It is not for always, because small events under load then take some 10 % longer.
 * V8's flags take effect at once, for the next growth of a generation.
 */
export function keepHeapSmall(): void {
  if (end === null) {
    // The old generation grows by 70 % between two collections at most.
    setFlagsFromString('--heap-growing-percent=70');
    looking = setInterval(look, every).unref();
  } else clearTimeout(end);
  end = setTimeout(useUsual, lasting).unref();
}

function look(): void {
  const young = getHeapSpaceStatistics().find(space => space.space_name === 'new_space');
  const enough = end === null ? youngEnough.usual : youngEnough.large;
  const stops = (young?.space_size ?? 0) >= enough;
  grow(stops ? 1 : 2);
  // Without the observer nobody would see it shrink, so it may not grow again until the usual growth is back.
  if (stops) stopLooking();
}

/** V8 doubles the young generation unless it is told 1. */
function grow(factor: number): void {
  if (factor === growth) return;
  growth = factor;
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}

/** V8's own values. */
function useUsual(): void {
  end = null;
  stopLooking();
  grow(2);
  setFlagsFromString('--heap-growing-percent=0');
}

function stopLooking(): void {
  if (looking !== null) clearInterval(looking);
  looking = null;
}
