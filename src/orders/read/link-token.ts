import { jwtVerify, SignJWT } from "jose";
import { type KeyRing, keyRing } from "../../accounts/keys.ts";
import type { Context } from "../../platform/context.ts";

/** How long the link of a mail shows its order. */
const LINK_DAYS = 90;
const DAY_SECONDS = 86_400;

const ISSUER = "holdfast";
/** Both are others than those of access tokens (src/accounts/access-token.ts), so neither is ever taken for the other. */
const AUDIENCE = "holdfast/order-link";
const TYPE = "order-link+jwt";

/** A token that shows one order, for the link of a mail. It is stored nowhere, and cannot be revoked. */
export async function signLinkToken(
  { clock }: Pick<Context, "clock">,
  { signing: { kid, algorithm, privateKey } }: KeyRing,
  orderId: string,
): Promise<string> {
  const issuedAt = Math.floor(clock.now() / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: algorithm, kid, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(orderId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LINK_DAYS * DAY_SECONDS)
    .sign(privateKey);
}

/** The order that a token shows; null for everything else, such as a guest's own token, which has no dots. */
export async function orderOfLink(
  { clock, settings }: Pick<Context, "clock" | "settings">,
  token: string,
): Promise<string | null> {
  if (!token.includes(".")) return null;
  const result = await keyRing(settings);
  if (result.kind === "misconfigured") return null;
  const { accepted } = result.ring;
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
        ...{ issuer: ISSUER, audience: AUDIENCE, typ: TYPE },
        requiredClaims: ["exp", "iat", "sub"],
        currentDate: new Date(clock.now()),
      },
    );
    return payload.sub ?? null;
  } catch {
    return null;
  }
}
