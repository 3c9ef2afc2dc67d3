import { z } from "zod";
import type { Role } from "../platform/actor.ts";
import type { KeyRing } from "./keys.ts";
import { type Purpose, signToken, verifyToken } from "./signed-token.ts";

/** The lifetime of an access token. It cannot be revoked sooner, because it is verified without D1. */
export const ACCESS_TOKEN_SECONDS = 15 * 60;

/** The type is that of RFC 9068. */
const ACCESS: Purpose = { audience: "holdfast", type: "at+jwt" };

export interface AccessClaims {
  userId: string;
  role: Role;
  sessionId: string;
}

/** @param now milliseconds since the epoch */
export const signAccessToken = (
  ring: KeyRing,
  { userId, role, sessionId }: AccessClaims,
  now: number,
  lifetimeSeconds = ACCESS_TOKEN_SECONDS,
): Promise<string> =>
  signToken(ring, ACCESS, { subject: userId, claims: { role, sid: sessionId } }, { now, lifetimeSeconds });

const payloadSchema = z.object({
  sub: z.string().min(1),
  role: z.enum(["customer", "staff", "admin"]),
  sid: z.string().min(1),
});

/**
 * The claims of a valid access token; null for everything else.
 * @param now milliseconds since the epoch
 */
export async function verifyAccessToken(
  ring: KeyRing,
  token: string,
  now: number,
): Promise<AccessClaims | null> {
  const claims = payloadSchema.safeParse(await verifyToken(ring, ACCESS, token, now)).data;
  return claims ? { userId: claims.sub, role: claims.role, sessionId: claims.sid } : null;
}
