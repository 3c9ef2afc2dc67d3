import { createPrivateKey } from "node:crypto";
import { base64url, calculateJwkThumbprint, importJWK, type JWK } from "jose";
import { z } from "zod";
import type { PublicJwk, Settings } from "../platform/settings.ts";

/** The supported algorithms. The type of the key determines which one is used. */
type SigningAlgorithm = "EdDSA" | "ES256";

interface AcceptedKey {
  kid: string;
  algorithm: SigningAlgorithm;
  publicKey: CryptoKey;
  /** For the JWKS, without the private part. */
  publicJwk: JWK;
  /**
   * The private part as a secret that other keys are derived from (HKDF): for what is to be opened on this server only. Null where
   * only the public part is known.
   */
  secret: CryptoKey | null;
}

/** The keys of access tokens. The newest signs; all keys of the settings are accepted. */
export interface KeyRing {
  signing: { kid: string; algorithm: SigningAlgorithm; privateKey: CryptoKey };
  accepted: ReadonlyMap<string, AcceptedKey>;
}

export type KeyRingResult = { kind: "ready"; ring: KeyRing } | { kind: "misconfigured"; fault: string };

/**
 * Importing keys is expensive, so each settings object, which lives as long as its isolate, has its key ring here. The
 * result is kept and not its promise, because in Workers a promise belongs to the request that made it.
 */
const rings = new WeakMap<Settings, KeyRingResult>();

export async function keyRing(settings: Settings): Promise<KeyRingResult> {
  const known = rings.get(settings);
  if (known) return known;
  const result = await importRing(settings.JWT_PRIVATE_KEY, settings.JWT_ACCEPTED_KEYS);
  rings.set(settings, result);
  return result;
}

/**
 * @param setting a JWK (JSON), a PKCS #8 PEM, or a JSON array of either, the newest first
 * @param older public keys that sign no more
 */
export async function importRing(setting: string, older: readonly PublicJwk[] = []): Promise<KeyRingResult> {
  try {
    const own = await Promise.all(entriesOf(setting.trim()).map(importKey));
    const keys: AcceptedKey[] = [...own, ...(await Promise.all(older.map(importPublicKey)))];
    const accepted = new Map(keys.map((key) => [key.kid, key]));
    const newest = own[0];
    if (!newest) return { kind: "misconfigured", fault: "holds no key" };
    if (accepted.size < keys.length) return { kind: "misconfigured", fault: "holds two keys with one kid" };
    return { kind: "ready", ring: { signing: newest, accepted } };
  } catch {
    // The error is dropped, because its message may contain the key.
    return { kind: "misconfigured", fault: "is not a private Ed25519 or P-256 key as JWK or PKCS #8 PEM" };
  }
}

function entriesOf(text: string): unknown[] {
  if (text.startsWith("[")) {
    const entries: unknown = JSON.parse(text);
    return Array.isArray(entries) ? entries : [];
  }
  return [text.startsWith("{") ? JSON.parse(text) : text];
}

const kid = z.string().min(1).optional();
const privateJwk = z.union([
  z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string(), d: z.string(), kid }),
  z.object({
    kty: z.literal("EC"),
    crv: z.literal("P-256"),
    x: z.string(),
    y: z.string(),
    d: z.string(),
    kid,
  }),
]);

const algorithmOf = ({ kty }: { kty: "OKP" | "EC" }): SigningAlgorithm => (kty === "OKP" ? "EdDSA" : "ES256");

async function importPublicKey(jwk: PublicJwk): Promise<AcceptedKey> {
  const algorithm = algorithmOf(jwk);
  const publicKey = await importJWK(jwk, algorithm);
  if (publicKey instanceof Uint8Array) throw new Error("a symmetric key");
  const publicJwk = { ...jwk, alg: algorithm, use: "sig" };
  return { kid: jwk.kid, algorithm, publicKey, publicJwk, secret: null };
}

/** A private key with its public part. */
type OwnKey = AcceptedKey & KeyRing["signing"];

async function importKey(entry: unknown): Promise<OwnKey> {
  const jwk = privateJwk.parse(typeof entry === "string" ? pemToJwk(entry) : entry);
  const { d: _private, kid: named, ...publicPart } = jwk;
  const algorithm = algorithmOf(jwk);
  const kid = named ?? (await calculateJwkThumbprint(publicPart));
  return {
    kid,
    algorithm,
    privateKey: await importJWK({ ...publicPart, d: jwk.d }, algorithm),
    secret: await crypto.subtle.importKey("raw", base64url.decode(jwk.d), "HKDF", false, [
      "deriveKey",
      "deriveBits",
    ]),
    publicKey: await importJWK(publicPart, algorithm),
    publicJwk: { ...publicPart, kid, alg: algorithm, use: "sig" },
  };
}

/** Settings often have a PEM on one line with `\n`. node:crypto finds the type of the key itself; Web Crypto cannot. */
const pemToJwk = (text: string): unknown =>
  createPrivateKey(text.replaceAll("\\n", "\n")).export({ format: "jwk" });
