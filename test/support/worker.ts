import { systemIds } from "../../src/platform/ids.ts";
import { createWorker } from "../../src/worker.ts";
import { testClock } from "./clock.ts";

const worker = createWorker({ clock: testClock, ids: systemIds });

export default worker.handler;
export const Stock = worker.Stock;
export { RateLimiter } from "../../src/platform/rate-limit/rate-limiter.ts";
