import { Buffer } from "node:buffer";
import { scrypt, timingSafeEqual } from "node:crypto";

// Node imports this file too (`npm run admin`), so it must not use anything that only a Worker has.

/**
 * Of OWASP's rows for scrypt, which are equally hard to guess against, the one that takes 16 MB: an isolate has 128 MB for
 * everything, and the first row alone (N 2^17, p 1) would take all of it. One hash takes about 150 ms.
 */
const COST = { N: 2 ** 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

export const MIN_PASSWORD_LENGTH = 10;
export const MAX_PASSWORD_LENGTH = 200;

/** A hash that no password matches. It is compared with when there is no account, so that this takes as long as with one. */
export const NO_ACCOUNT_HASH = format(COST, new Uint8Array(SALT_BYTES), new Uint8Array(HASH_BYTES));

/** Returns `scrypt$N$r$p$salt$hash`, with salt and hash in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  return format(COST, salt, await derive(password, salt, COST));
}

/**
 * Whether `stored` is a hash of `password`, compared in constant time. False if `stored` is no hash. A wrong password takes
 * as long against a cheaper hash of earlier days as against today's, so that the time does not tell that there is an
 * account.
 */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, N, r, p, salt, hash] = stored.split("$");
  if (scheme !== "scrypt" || !salt || !hash) return false;
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const derived = await derive(password, Buffer.from(salt, "base64url"), cost);
  const expected = Buffer.from(hash, "base64url");
  const matches = expected.length === derived.length && timingSafeEqual(derived, expected);
  if (!matches && cost.N === COST.N && cost.r === COST.r && cost.p < COST.p) {
    await derive(password, derived, { ...COST, p: COST.p - cost.p });
  }
  return matches;
}

/** Whether a hash was made at another price than today's: made anew when its password is known, at a sign-in. */
export const isOutdated = (stored: string): boolean =>
  !stored.startsWith(`scrypt$${COST.N}$${COST.r}$${COST.p}$`);

type Cost = typeof COST;

function format({ N, r, p }: Cost, salt: Uint8Array, hash: Uint8Array): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  return `scrypt$${N}$${r}$${p}$${text(salt)}$${text(hash)}`;
}

/** Normalises to NFKC first, because keyboards differ in the code points that they send for the same password. */
function derive(password: string, salt: Uint8Array, cost: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, HASH_BYTES, cost, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
