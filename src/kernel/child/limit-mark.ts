import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * The second mark of a step's processes, beside the variable in their environment: the limit on real-time CPU without a pause
 * (RLIMIT_RTTIME, getrlimit(2)), in microseconds. Fork and exec pass limits on, programs that rewrite their environment or call setsid
 * keep them, and everybody may read them in /proc. The values are 35 years and more, so they limit nothing.
 */
export interface LimitMark {
  /** Of the marker up to its last '/': the same in every attempt of a step. */
  soft: number;
  /** Of the whole marker. */
  hard: number;
}

const lowest = 2 ** 50;

export function limitMarkOf(marker: string): LimitMark {
  return { soft: lowest + hash(marker.slice(0, marker.lastIndexOf('/') + 1)), hard: 2 * lowest + hash(marker) };
}

/** 48 bits. */
function hash(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6);
}

/** Reads the text of /proc/<pid>/limits; null where it shows no mark. */
export function readLimitMark(limits: string): LimitMark | null {
  const line = /^Max realtime timeout\s+(\d+)\s+(\d+)/m.exec(limits);
  const [soft, hard] = [Number(line?.[1]), Number(line?.[2])];
  return soft >= lowest && hard >= 2 * lowest ? { soft, hard } : null;
}

/** A test for the exact marker, or for any with this prefix when it ends in '/' after a step. */
export function limitTest(marker: string): (limits: string) => boolean {
  const { soft, hard } = limitMarkOf(marker);
  return limits => {
    const found = readLimitMark(limits);
    return found !== null && (marker.endsWith('/') ? found.soft === soft : found.hard === hard);
  };
}

/** False where this process has a limit of its own, which its children could not raise: below another Tocsin. */
export function canSetLimitMark(): boolean {
  try {
    return /^Max realtime timeout\s+unlimited\s+unlimited/m.test(readFileSync('/proc/self/limits', 'latin1'));
  } catch {
    return false;
  }
}
