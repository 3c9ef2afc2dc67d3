import { type JWTPayload, jwtVerify, SignJWT } from "jose";
import type { KeyRing } from "./keys.ts";

const ISSUER = "holdfast";

/** What a token is for. No two purposes share both, so that a token of one is never taken for another's. */
export interface Purpose {
  audience: string;
  /** The `typ` of its header. */
  type: string;
}

/** @param now milliseconds since the epoch */
export function signToken(
  { signing: { kid, algorithm, privateKey } }: KeyRing,
  { audience, type }: Purpose,
  { subject, claims = {} }: { subject: string; claims?: JWTPayload },
  { now, lifetimeSeconds }: { now: number; lifetimeSeconds: number },
): Promise<string> {
  const issuedAt = Math.floor(now / 1000);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid, typ: type })
    .setIssuer(ISSUER)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetimeSeconds)
    .sign(privateKey);
}

/**
 * A token as it was made: its signature of 64 bytes leaves four bits of the last letter unused, and they are zero. Decoders
 * forgive other letters there, and padding, so that one token would have many forms.
 */
const AS_MADE = /^[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]$/;

/**
 * The payload of a valid token that one of our keys signed for this purpose; null for everything else. The key is found by
 * `kid` and determines the algorithm, so that the token's own `alg` cannot choose another.
 * @param now milliseconds since the epoch
 */
export async function verifyToken(
  { accepted }: KeyRing,
  { audience, type }: Purpose,
  token: string,
  now: number,
): Promise<JWTPayload | null> {
  if (!AS_MADE.test(token)) return null;
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid, alg }) => {
        const key = accepted.get(kid ?? "");
        if (!key || key.algorithm !== alg) throw new Error("not one of our keys");
        return key.publicKey;
      },
      {
        algorithms: [...accepted.values()].map((key) => key.algorithm),
        issuer: ISSUER,
        audience,
        typ: type,
        requiredClaims: ["exp", "iat", "sub"],
        currentDate: new Date(now),
      },
    );
    return payload;
  } catch {
    return null;
  }
}
