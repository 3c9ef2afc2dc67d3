import { Buffer } from "node:buffer";
import { scrypt, timingSafeEqual } from "node:crypto";

// Plain Node imports this file too (`npm run admin`), so nothing here may belong to the Worker alone.

/** OWASP's scrypt floor for 16 MB: an isolate has 128 MB, and this takes about 60 ms. */
const COST = { N: 2 ** 14, r: 8, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

export const MIN_PASSWORD_LENGTH = 10;
export const MAX_PASSWORD_LENGTH = 200;

/** What a password is compared with where there is no account: as dear as a real one, and no password gives it. */
export const NO_ACCOUNT_HASH = format(COST, new Uint8Array(SALT_BYTES), new Uint8Array(HASH_BYTES));

/** `scrypt$N$r$p$salt$hash`, salt and hash base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  return format(COST, salt, await derive(password, salt, COST));
}

/** Whether `password` made `stored`, in constant time. A stored text that is no hash matches nothing. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, N, r, p, salt, hash] = stored.split("$");
  if (scheme !== "scrypt" || !salt || !hash) return false;
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const derived = await derive(password, Buffer.from(salt, "base64url"), cost);
  const expected = Buffer.from(hash, "base64url");
  return expected.length === derived.length && timingSafeEqual(derived, expected);
}

type Cost = typeof COST;

function format({ N, r, p }: Cost, salt: Uint8Array, hash: Uint8Array): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  return `scrypt$${N}$${r}$${p}$${text(salt)}$${text(hash)}`;
}

/** NFKC first: the same password typed on another keyboard must stay the same bytes. */
function derive(password: string, salt: Uint8Array, cost: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, HASH_BYTES, cost, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
