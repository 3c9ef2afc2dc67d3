/** With the delays below the last try comes up to three hours after the first. */
export const MAX_ATTEMPTS = 8;
export const FIRST_RETRY_MS = 10_000;
const RETRY_FACTOR = 3;

/**
 * Milliseconds until the next try: 10 s after the first failure and three times as long after each further one,
 * between half and all of it, so that what failed together does not come back together.
 * @param failures from 1
 * @param chance a fresh ulid
 */
export function retryDelay(failures: number, chance: string): number {
  return Math.round(FIRST_RETRY_MS * RETRY_FACTOR ** (failures - 1) * (0.5 + fractionOf(chance) / 2));
}

/** Chance comes from the ids, which tests inject: the last four of a ulid's random characters, as 20 bits. */
function fractionOf(ulid: string): number {
  const value = [...ulid.slice(-4)].reduce((sum, character) => sum * 32 + BASE32.indexOf(character), 0);
  return value / 32 ** 4;
}

const BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";
