import { DurableObject } from "cloudflare:workers";

/** Who asked how often: one object for each limited party. */
export class RateLimiter extends DurableObject {}
