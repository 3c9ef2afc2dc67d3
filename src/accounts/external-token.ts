import { createRemoteJWKSet, decodeJwt, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import type { Context } from "../platform/context.ts";
import type { Settings } from "../platform/settings.ts";

/** What another server says of who signed in there. */
export interface ExternalClaims {
  issuer: string;
  subject: string;
  /** The same for all tokens of one sign-in, as far as the server tells. */
  session: string;
  /** When that was, seconds. */
  since: number;
  /** Only where the server has verified it. */
  email: string | null;
  name: string | null;
}

export type ExternalToken =
  | { kind: "known"; claims: ExternalClaims }
  /** No other server is set up, or it is not its token, or no good one. */
  | { kind: "not_good" }
  /** Its keys cannot be read just now. */
  | { kind: "unavailable" };

/** With a public and a private key: by a shared secret, whoever may check tokens could make them. */
const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"];

/** Of access tokens (RFC 9068), and of servers that name no type. Of an ID token the audience is another. */
const TYPES = new Set([undefined, "jwt", "at+jwt", "application/at+jwt"]);

const CLOCKS_DIFFER_SECONDS = 5;
const TIMEOUT_MS = 3_000;
/** Between two questions for a key that is not there. */
const COOLDOWN_MS = 30_000;
const MAX_AGE_MS = 600_000;

/** Seconds, of which a time can be made. */
const seconds = z.int().min(0).max(253_402_300_799);

/** What an access token need not say is left out where it is of no use. */
const claimsSchema = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(255),
  iat: seconds,
  sid: z.string().max(255).optional().catch(undefined),
  jti: z.string().max(255).optional().catch(undefined),
  auth_time: seconds.optional().catch(undefined),
  email: z.string().max(254).optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
  name: z.string().max(200).optional().catch(undefined),
});

/** The key set of a settings object, which lives as long as its isolate: jose asks for it anew when it is old, or lacks a key. */
const keySets = new WeakMap<Settings, JWTVerifyGetKey>();

function keySetOf(settings: Settings, url: string): JWTVerifyGetKey {
  const known = keySets.get(settings);
  if (known) return known;
  const made = createRemoteJWKSet(new URL(url), {
    ...{ timeoutDuration: TIMEOUT_MS, cooldownDuration: COOLDOWN_MS, cacheMaxAge: MAX_AGE_MS },
  });
  keySets.set(settings, made);
  return made;
}

/** Reads an access token of the server that AUTH_ISSUER names: signed by one of its keys, for this shop, and not expired. */
export async function readExternalToken({ settings, clock }: Context, token: string): Promise<ExternalToken> {
  const { AUTH_ISSUER: issuer, AUTH_JWKS_URL: url, AUTH_AUDIENCE: audience } = settings;
  if (issuer === undefined || url === undefined || audience === undefined) return { kind: "not_good" };
  // Nobody is asked for keys by a token that does not even say that it is theirs.
  if (!saysIssuer(token, issuer)) return { kind: "not_good" };
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keySetOf(settings, url), {
      ...{ issuer, audience, algorithms: ALGORITHMS, requiredClaims: ["exp", "iat", "sub"] },
      ...{ clockTolerance: CLOCKS_DIFFER_SECONDS, currentDate: new Date(clock.now()) },
    });
    const claims = claimsSchema.safeParse(payload).data;
    if (!claims || !TYPES.has(protectedHeader.typ?.toLowerCase())) return { kind: "not_good" };
    if (claims.iat * 1_000 > clock.now() + CLOCKS_DIFFER_SECONDS * 1_000) return { kind: "not_good" };
    const { sub: subject, iat, sid, jti, auth_time: since = iat } = claims;
    return {
      kind: "known",
      claims: {
        ...{ issuer, subject, since, session: sid ?? jti ?? `${iat}` },
        email: claims.email_verified === true ? (claims.email ?? null) : null,
        name: claims.name ?? null,
      },
    };
  } catch (error) {
    return isOfToken(error) ? { kind: "not_good" } : { kind: "unavailable" };
  }
}

function saysIssuer(token: string, issuer: string): boolean {
  try {
    return decodeJwt(token).iss === issuer;
  } catch {
    return false;
  }
}

/** What jose throws of a token, and not of a key set that did not come, or was none. */
const isOfToken = (error: unknown): boolean =>
  error instanceof errors.JOSEError &&
  !(error instanceof errors.JWKSTimeout) &&
  !(error instanceof errors.JWKSInvalid) &&
  error.code !== "ERR_JOSE_GENERIC";
