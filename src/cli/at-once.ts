/**
 * Does the same work for each item, at most so many at the same time. After one has failed it takes no more items than it
 * was waiting for by then, and it throws only when all that had begun have ended: so nothing is still under way behind a
 * command that has given up.
 */
export async function atOnce<T>(
  limit: number,
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  // All workers take from this one generator. A worker that fails leaves its loop, which ends the generator for all.
  const queue = (async function* () {
    yield* items;
  })();
  const worker = async () => {
    for await (const item of queue) await work(item);
  };
  const ends = await Promise.allSettled(Array.from({ length: limit }, worker));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
}
