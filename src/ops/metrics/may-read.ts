import { sha256 } from "../../platform/ids.ts";
import type { Settings } from "../../platform/settings.ts";

export type MayRead = { kind: "allowed" } | { kind: "closed" } | { kind: "wrong_token" };

/**
 * Who may read the metrics: whoever has `METRICS_TOKEN`. Where it is not set nobody in production, since what a shop
 * turns over is nobody's business, and everybody in development.
 * @param authorization the header's value
 */
export async function mayRead(
  { ENVIRONMENT, METRICS_TOKEN }: Settings,
  authorization: string | undefined,
): Promise<MayRead> {
  if (METRICS_TOKEN === undefined) return { kind: ENVIRONMENT === "production" ? "closed" : "allowed" };
  const token = /^bearer +(\S+)$/i.exec(authorization?.trim() ?? "")?.[1];
  if (token === undefined) return { kind: "wrong_token" };
  // Digests are compared: how long that takes tells nothing of the token.
  const [given, expected] = await Promise.all([sha256(token), sha256(METRICS_TOKEN)]);
  return { kind: given === expected ? "allowed" : "wrong_token" };
}
