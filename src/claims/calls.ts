/**
 * Calls to Stock objects that one request may make. Workers allow a request 10,000 calls to other parts, the default of a
 * paid plan; 500 of them are left for D1, queues and the limiter. A call past that fails: then nothing is sold twice, but
 * units that are held stay held until their deadline.
 */
const STOCK_CALLS = 9_500;
/**
 * How often a round may call each product's object, not counting the tries while it waits:
 *
 * 1. a spent claim lets go;
 * 2. reserve;
 * 3. dead claims that are in the way let go;
 * 4. reserve after a release (`retryAfterRelease`);
 * 5. failed claims that did not wait let go;
 * 6. failed claims that waited let go.
 */
const CALLS_A_PRODUCT = 6;
/** Calls of a round for trying again while others may yet let go: at least one for each product. */
export const RETRY_CALLS = 2_000;

/** Different products that one request may name. With so many, its calls suffice for one round. */
export const MAX_PRODUCTS = 1_000;

/** How many rounds, each with fresh claims, a request for so many products can make: at least one. */
export const roundsFor = (products: number): number =>
  Math.max(1, Math.floor(STOCK_CALLS / (CALLS_A_PRODUCT * products + RETRY_CALLS)));
