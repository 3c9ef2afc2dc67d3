/**
 * Workers allow a request 10,000 calls to other parts, the default of a paid plan; 500 of them are left for D1, queues and
 * the limiter. A call past that fails. Nothing is sold twice by it, but the units that are held stay so until their deadline.
 */
const STOCK_CALLS = 9_500;
/**
 * How often a round may call each product's object, not counting the tries while it waits: a spent claim lets go, reserve,
 * dead claims in the way let go, reserve after a release (`retryAfterRelease`), and the failed claims let go, once for
 * those that waited and once for those that did not.
 */
const CALLS_A_PRODUCT = 6;
/** Calls of a round for trying again while others may yet let go: at least one for each product. */
export const RETRY_CALLS = 2_000;

/** Different products that one request may name. With so many, its calls suffice for one round. */
export const MAX_PRODUCTS = 1_000;

/** How many rounds, each with fresh claims, a request for so many products can make: at least one. */
export const roundsFor = (products: number): number =>
  Math.max(1, Math.floor(STOCK_CALLS / (CALLS_A_PRODUCT * products + RETRY_CALLS)));
