/**
 * Does work for many keys at once, and for each key in order. Resolves when all of it is done; rejects with the first failure, when
 * nothing of it is under way any more.
 */
export async function inOrderByKey<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const lanes = new Map<string, T[]>();
  for (const item of items) {
    const lane = lanes.get(keyOf(item));
    if (lane === undefined) lanes.set(keyOf(item), [item]);
    else lane.push(item);
  }
  const waiting = lanes.values();
  const hand = async () => {
    for (const lane of waiting) for (const item of lane) await work(item);
  };
  const hands = await Promise.allSettled(Array.from({ length: Math.min(most, lanes.size) }, hand));
  const failed = hands.find(one => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
