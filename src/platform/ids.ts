import { base64url } from "jose";
import { ulid } from "ulid";

/** The source of ids and secrets, as a port, so that a test can repeat a run. */
export interface Ids {
  /** 26 characters of Crockford's base 32, lower case, ordered by time. */
  next(): string;
  /** A short order reference that people can read out on the phone: `ORD-` and ten characters, 50 random bits. */
  reference(): string;
  /** 256 random bits for a bearer's token, base64url. */
  secret(): string;
}

/** The prefix of an id says of what kind it is: `ord_…` is an order. */
export type IdPrefix =
  | "adr"
  | "bat"
  | "cat"
  | "clm"
  | "crt"
  | "evt"
  | "key"
  | "mov"
  | "ord"
  | "pay"
  | "prd"
  | "ret"
  | "rfd"
  | "run"
  | "ses"
  | "shp"
  | "sto"
  | "usr"
  | "wrk";

export const prefixed = (prefix: IdPrefix, ulid: string): string => `${prefix}_${ulid}`;

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** @param randomBytes fills and returns an array; @param now milliseconds since the epoch. */
export function createIds(randomBytes: (length: number) => Uint8Array, now: () => number): Ids {
  return {
    next: () => {
      const entropy = randomBytes(16);
      let at = 0;
      return ulid(now(), () => (entropy[at++] ?? 0) / 256).toLowerCase();
    },
    reference: () => `ORD-${Array.from(randomBytes(10), (byte) => ALPHABET[byte & 31]).join("")}`,
    secret: () => base64url.encode(randomBytes(32)),
  };
}

export const systemIds: Ids = createIds(pooledRandomBytes(4096), () => Date.now());

/** Draws random bytes in advance, because a call of `getRandomValues` costs the same for sixteen as for thousands. */
function pooledRandomBytes(size: number): (length: number) => Uint8Array {
  let bytes = new Uint8Array(0);
  let used = 0;
  return (length) => {
    if (used + length > bytes.length) {
      bytes = crypto.getRandomValues(new Uint8Array(size));
      used = 0;
    }
    used += length;
    return bytes.subarray(used - length, used);
  };
}

/** SHA-256 in hex. Secrets are stored as this, and request bodies are compared by it. */
export async function sha256(text: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
