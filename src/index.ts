import { systemClock } from "./platform/clock.ts";
import { systemIds } from "./platform/ids.ts";
import { createWorker } from "./worker.ts";

const worker = createWorker({ clock: systemClock, ids: systemIds });

export default worker.handler;
export const { Stock, OrderDesk } = worker;
export { RateLimiter } from "./platform/rate-limit/rate-limiter.ts";
