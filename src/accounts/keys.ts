import { createPrivateKey } from "node:crypto";
import { calculateJwkThumbprint, importJWK, type JWK } from "jose";
import { z } from "zod";
import type { Settings } from "../platform/settings.ts";

/** The two algorithms that Holdfast signs with; the key's own kind says which. */
type SigningAlgorithm = "EdDSA" | "ES256";

interface AcceptedKey {
  kid: string;
  algorithm: SigningAlgorithm;
  publicKey: CryptoKey;
  /** As the JWKS shows it: no private part. */
  publicJwk: JWK;
}

/** The keys of access tokens: the newest signs, all are accepted until they are taken out of the setting. */
export interface KeyRing {
  signing: { kid: string; algorithm: SigningAlgorithm; privateKey: CryptoKey };
  accepted: ReadonlyMap<string, AcceptedKey>;
}

export type KeyRingResult = { kind: "ready"; ring: KeyRing } | { kind: "misconfigured"; fault: string };

/**
 * One answer for each settings object: importing keys is dear, and the settings live as long as the isolate. The
 * answer is kept rather than its promise, because a promise belongs to the request that made it.
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
    // What was thrown may quote the key, so nothing of it is passed on.
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

/** A private key and all that is known of it. */
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
    publicKey: await importJWK(publicPart, algorithm),
    publicJwk: { ...publicPart, kid, alg: algorithm, use: "sig" },
  };
}

/** Settings often carry a PEM on one line. Web Crypto would have to be told which kind of key it is. */
const pemToJwk = (text: string): unknown =>
  createPrivateKey(text.replaceAll("\\n", "\n")).export({ format: "jwk" });
