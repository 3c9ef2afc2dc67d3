/** With the delays below, the last attempt comes up to three hours after the first. */
export const MAX_ATTEMPTS = 8;
export const FIRST_RETRY_MS = 10_000;
const RETRY_FACTOR = 3;

/**
 * Milliseconds until the next attempt: 10 s after the first failure, and three times as long after each further one. Of
 * that a random part between half and all is taken, so that tasks that failed together do not come back together.
 * @param failures from 1
 * @param chance a fresh ulid
 */
export function retryDelay(failures: number, chance: string): number {
  return Math.round(FIRST_RETRY_MS * RETRY_FACTOR ** (failures - 1) * (0.5 + fractionOf(chance) / 2));
}

/** The random part comes from an id, since tests inject those: the last four characters of a ulid are 20 random bits. */
function fractionOf(ulid: string): number {
  const value = [...ulid.slice(-4)].reduce((sum, character) => sum * 32 + BASE32.indexOf(character), 0);
  return value / 32 ** 4;
}

const BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";
