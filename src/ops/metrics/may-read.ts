import { sha256 } from "../../platform/ids.ts";
import type { Settings } from "../../platform/settings.ts";

export type MayRead = { kind: "allowed" } | { kind: "closed" } | { kind: "wrong_token" };

/**
 * Whether a request may read the metrics: if it has `METRICS_TOKEN`. If that is not set, everybody may in development, and
 * nobody in production, since a shop's turnover is not public.
 * @param authorization the header's value
 */
export async function mayRead(
  { ENVIRONMENT, METRICS_TOKEN }: Settings,
  authorization: string | undefined,
): Promise<MayRead> {
  if (METRICS_TOKEN === undefined) return { kind: ENVIRONMENT === "production" ? "closed" : "allowed" };
  const token = /^bearer +(\S+)$/i.exec(authorization?.trim() ?? "")?.[1];
  if (token === undefined) return { kind: "wrong_token" };
  // Digests are compared, so that the time it takes says nothing about the token.
  const [given, expected] = await Promise.all([sha256(token), sha256(METRICS_TOKEN)]);
  return { kind: given === expected ? "allowed" : "wrong_token" };
}
