import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Role } from "../platform/actor.ts";
import type { KeyRing } from "./keys.ts";

/** How long an access token is good for, in seconds. Nothing can call it back sooner: it is verified without D1. */
export const ACCESS_TOKEN_SECONDS = 15 * 60;

const ISSUER = "holdfast";
const AUDIENCE = "holdfast";
/** RFC 9068: a signature made for something else must not pass for a credential. */
const TYPE = "at+jwt";

export interface AccessClaims {
  userId: string;
  role: Role;
  sessionId: string;
}

/** @param now milliseconds; @param lifetime seconds */
export function signAccessToken(
  ring: KeyRing,
  claims: AccessClaims,
  now: number,
  lifetime = ACCESS_TOKEN_SECONDS,
): Promise<string> {
  const { kid, algorithm, privateKey } = ring.signing;
  const issuedAt = Math.floor(now / 1000);
  return new SignJWT({ role: claims.role, sid: claims.sessionId })
    .setProtectedHeader({ alg: algorithm, kid, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(claims.userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetime)
    .sign(privateKey);
}

const payloadSchema = z.object({
  sub: z.string().min(1),
  role: z.enum(["customer", "staff", "admin"]),
  sid: z.string().min(1),
});

/**
 * The claims of a token that one of our keys signed for us and that has not expired; null for everything else.
 * The key is looked up by `kid` and fixes the algorithm: what the token says of itself cannot choose another.
 * @param now milliseconds
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
        if (!key || key.algorithm !== alg) throw new Error("no key of ours signs so");
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
