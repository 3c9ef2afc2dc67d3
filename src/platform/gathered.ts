import { withTimeout } from "./timeout.ts";

/** A call that hangs keeps the next one waiting no longer than this. */
const PATIENCE_MS = 5_000;

/**
 * One call for many who ask by themselves. Who asks in the same moment goes together, and who asks while a call is under way
 * goes with the next one; so nobody waits for a timer, and the slower the calls are, the more go in each. All of a call get its
 * one answer or its one error. To be made anew for each request, like everything that holds what is under way.
 */
export function gathered<Asked, Answer>(
  call: (asked: Asked[]) => Promise<Answer>,
): (one: Asked) => Promise<Answer> {
  let waiting: Asked[] = [];
  let next: Promise<Answer> | null = null;
  let underWay: Promise<unknown> = Promise.resolve();
  const send = (): Promise<Answer> => {
    const asked = waiting;
    waiting = [];
    next = null;
    const answer = call(asked);
    underWay = withTimeout(answer, PATIENCE_MS).catch(() => {});
    return answer;
  };
  return (one) => {
    waiting.push(one);
    next ??= underWay.then(send);
    return next;
  };
}
