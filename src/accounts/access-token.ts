import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Role } from "../platform/actor.ts";
import type { KeyRing } from "./keys.ts";

/** The lifetime of an access token. It cannot be revoked sooner, because it is verified without D1. */
export const ACCESS_TOKEN_SECONDS = 15 * 60;

const ISSUER = "holdfast";
const AUDIENCE = "holdfast";
/** The type of RFC 9068, so that a JWT that we sign for another purpose is not accepted as an access token. */
const TYPE = "at+jwt";

export interface AccessClaims {
  userId: string;
  role: Role;
  sessionId: string;
}

/** @param now milliseconds since the epoch */
export function signAccessToken(
  ring: KeyRing,
  claims: AccessClaims,
  now: number,
  lifetimeSeconds = ACCESS_TOKEN_SECONDS,
): Promise<string> {
  const { kid, algorithm, privateKey } = ring.signing;
  const issuedAt = Math.floor(now / 1000);
  return new SignJWT({ role: claims.role, sid: claims.sessionId })
    .setProtectedHeader({ alg: algorithm, kid, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(claims.userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetimeSeconds)
    .sign(privateKey);
}

const payloadSchema = z.object({
  sub: z.string().min(1),
  role: z.enum(["customer", "staff", "admin"]),
  sid: z.string().min(1),
});

/**
 * The claims of a valid token that one of our keys signed; null for everything else. The key is found by `kid` and
 * determines the algorithm, so that the token's own `alg` cannot choose another.
 * @param now milliseconds since the epoch
 */
export async function verifyAccessToken(
  ring: KeyRing,
  token: string,
  now: number,
): Promise<AccessClaims | null> {
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid, alg }) => {
        const key = ring.accepted.get(kid ?? "");
        if (!key || key.algorithm !== alg) throw new Error("not one of our keys");
        return key.publicKey;
      },
      {
        algorithms: [...ring.accepted.values()].map((key) => key.algorithm),
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: TYPE,
        requiredClaims: ["exp", "iat"],
        currentDate: new Date(now),
      },
    );
    const claims = payloadSchema.parse(payload);
    return { userId: claims.sub, role: claims.role, sessionId: claims.sid };
  } catch {
    return null;
  }
}
