/**
 * Workers allow a request 10,000 calls to other parts, where nothing else is set for a paid plan. Past that a call fails:
 * nothing is sold twice by it, but what is held waits for its deadline. D1, queues and the limiter get 500 of them.
 */
const STOCK_CALLS = 9_500;
/**
 * How often a round may call each product's object, trying again aside: a spent claim lets go, `reserve`, dead ones in
 * the way let go, once more for heirs, and what fell lets go, of those who waited and of those who did not.
 */
const CALLS_A_PRODUCT = 6;
/** Calls of a round for trying again what others may yet let go: once each product at least. */
export const RETRY_CALLS = 2_000;

/** Different products that one request may name: with them all, one round is what it can make. */
export const MAX_PRODUCTS = 1_000;

/** Rounds, each a generation of claims, that a request for so many products can make. One at least. */
export const roundsFor = (products: number): number =>
  Math.max(1, Math.floor(STOCK_CALLS / (CALLS_A_PRODUCT * products + RETRY_CALLS)));
