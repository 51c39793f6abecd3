import type { JsonLimits } from '../../kernel/json-scan.ts';
import { sliceStrictJson } from '../../kernel/sliced-json.ts';
import { parseStrictJson, standardLimits } from '../../kernel/strict-json.ts';
import type { Delivery, JsonShape, Normalised, Source } from '../../ports/source.ts';

/**
 * The most that is parsed, normalised and committed without a pause for other work: some milliseconds. A delivery within it is taken as a
 * whole.
 */
const partSize = { elements: 64, bytes: 128 * 1024 };

/** In fewer bytes there is no group of so many alerts that it takes long. */
const plainlySmall = 16 * 1024;

/** What is committed at one time: a delivery, or a part of a large one. */
export interface Part {
  /** Its body is what the events name as their raw bytes. */
  delivery: Delivery;
  normalised: Normalised;
}

/**
 * Parses a delivery strictly, by the limits of its source, and resolves to functions that make its parts, to be called one after the
 * other: only one part is in memory then. A large delivery has several when its driver names a list. It was checked as a whole before, so
 * that no part is refused after another one was committed. Rejects with `bad-body`.
 */
export async function partsOf(
  driver: Source,
  delivery: Delivery,
  options: unknown,
  pause: () => Promise<void>,
): Promise<(() => Part)[]> {
  const { body } = delivery;
  const shape = driver.json ?? {};
  const limits = limitsOf(shape, body.length);
  const large = shape.list !== undefined && body.length > plainlySmall;
  const slices = large ? await sliceStrictJson(body, { list: shape.list ?? '', ...partSize }, limits, pause) : null;
  if (slices === null) {
    const read = () => (driver.parse === undefined ? parseStrictJson(body, limits) : driver.parse(delivery, options));
    return [() => ({ delivery, normalised: driver.normalise(read(), delivery, options) })];
  }
  return slices.map(slice => () => {
    const part = { ...delivery, body: slice.bytes(), part: { first: slice.first, last: slice.last } };
    return { delivery: part, normalised: driver.normalise(slice.read(), part, options) };
  });
}

/** Takes the parts one after the other, each while the one before it is committed, and stops at the first failure. */
export async function inTurn<T>(
  made: readonly (() => Part)[],
  take: (part: Part) => Promise<T[]>,
  pause: () => Promise<void> = async () => {},
): Promise<T[]> {
  const taken: T[] = [];
  let before: Promise<T[]> = Promise.resolve([]);
  for (const make of made) {
    await pause();
    const part = make();
    taken.push(...(await before));
    before = take(part);
    // It is awaited when the next part is made; until then a failure is not unhandled.
    before.catch(() => {});
  }
  return [...taken, ...(await before)];
}

function limitsOf(shape: JsonShape, bytes: number): Partial<JsonLimits> {
  const keys = shape.bytesPerKey === undefined ? 0 : Math.floor(bytes / shape.bytesPerKey);
  return {
    keys: Math.max(standardLimits.keys, keys),
    ...(shape.cutsTexts === true && { string: Math.max(standardLimits.string, bytes) }),
  };
}
