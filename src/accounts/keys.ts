import { createPrivateKey } from "node:crypto";
import { base64url, calculateJwkThumbprint, importJWK, type JWK } from "jose";
import { z } from "zod";
import type { Settings } from "../platform/settings.ts";

/** The supported algorithms. The type of the key determines which one is used. */
type SigningAlgorithm = "EdDSA" | "ES256";

interface AcceptedKey {
  kid: string;
  algorithm: SigningAlgorithm;
  publicKey: CryptoKey;
  /** For the JWKS, without the private part. */
  publicJwk: JWK;
  /** The private part as a secret that other keys are derived from (HKDF): for what is to be opened on this server only. */
  secret: CryptoKey;
}

/** The keys of access tokens. The newest signs; all keys of the setting are accepted. */
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
  const result = await importRing(settings.JWT_PRIVATE_KEY);
  rings.set(settings, result);
  return result;
}

/** @param setting a JWK (JSON), a PKCS #8 PEM, or a JSON array of either, the newest first */
export async function importRing(setting: string): Promise<KeyRingResult> {
  try {
    const keys = await Promise.all(entriesOf(setting.trim()).map(importKey));
    const accepted = new Map(keys.map((key) => [key.kid, key]));
    const newest = keys[0];
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

/** A private key with its public part. */
type OwnKey = AcceptedKey & KeyRing["signing"];

async function importKey(entry: unknown): Promise<OwnKey> {
  const jwk = privateJwk.parse(typeof entry === "string" ? pemToJwk(entry) : entry);
  const { d: _private, kid: named, ...publicPart } = jwk;
  const algorithm: SigningAlgorithm = jwk.kty === "OKP" ? "EdDSA" : "ES256";
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
