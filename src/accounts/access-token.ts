import { z } from "zod";
import type { KeyRing } from "./keys.ts";
import { type Purpose, signToken, verifyToken } from "./signed-token.ts";

/** The lifetime of an access token. What only its holder's own reading needs is not revoked sooner (./confirm-session.ts). */
export const ACCESS_TOKEN_SECONDS = 15 * 60;

/** The type is that of RFC 9068. */
const ACCESS: Purpose = { audience: "holdfast", type: "at+jwt" };

export interface AccessClaims {
  userId: string;
  role: string;
  sessionId: string;
  /** The generation of the restore that it is for, which its session may not survive; null for all others. */
  restores: number | null;
}

/** @param now milliseconds since the epoch */
export const signAccessToken = (
  ring: KeyRing,
  { userId, role, sessionId, restores = null }: Omit<AccessClaims, "restores"> & Partial<AccessClaims>,
  now: number,
  lifetimeSeconds = ACCESS_TOKEN_SECONDS,
): Promise<string> =>
  signToken(
    ring,
    ACCESS,
    { subject: userId, claims: { role, sid: sessionId, ...(restores === null ? {} : { restores }) } },
    { now, lifetimeSeconds },
  );

const payloadSchema = z.object({
  sub: z.string().min(1),
  role: z.string().min(1),
  sid: z.string().min(1),
  restores: z.int().min(0).nullable().default(null),
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
  if (!claims) return null;
  const { sub: userId, role, sid: sessionId, restores } = claims;
  return { userId, role, sessionId, restores };
}
