/**
 * Handles items in order for each key, and up to `most` keys at the same time. Resolves when all are done; rejects with the first failure,
 * after all work has ended.
 */
export async function inOrderByKey<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queues = new Map<string, T[]>();
  for (const item of items) {
    const queue = queues.get(keyOf(item));
    if (queue === undefined) queues.set(keyOf(item), [item]);
    else queue.push(item);
  }
  const waiting = queues.values();
  const worker = async () => {
    for (const queue of waiting) for (const item of queue) await work(item);
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(most, queues.size) }, worker));
  const failed = results.find(one => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
