/**
 * Waits no longer than this for a part that may be broken. Waits by real time: an injected clock says what time it
 * is, not how slow a part is. What comes late, or fails late, is nobody's any more.
 */
export async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late(milliseconds)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

export class Late extends Error {
  constructor(milliseconds: number) {
    super(`timed out: no answer within ${milliseconds} ms`);
  }
}
