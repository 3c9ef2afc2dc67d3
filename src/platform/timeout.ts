/**
 * Waits at most this long for a part that may be broken, and throws `TimeoutError` after that. It measures real time,
 * because an injected clock does not know how slow a part is. What the work returns or throws later is ignored.
 */
export async function withTimeout<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(milliseconds)), milliseconds);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

export class TimeoutError extends Error {
  constructor(milliseconds: number) {
    super(`timed out: no answer within ${milliseconds} ms`);
  }
}
