import { checkPassword, type PasswordCheck } from "../../accounts/check-password.ts";
import { keyRing } from "../../accounts/keys.ts";
import { type Purpose, signToken, verifyToken } from "../../accounts/signed-token.ts";
import type { UserActor } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";

/** Tables that say who may do what. Whoever holds a stolen token must not write themselves in there. */
const ASKS_FOR_PROOF = new Set(["users", "roles", "api_keys", "identities"]);

/** As long as a restore may take. */
const LIFE_SECONDS = 24 * 3_600;

const PROOF: Purpose = { audience: "holdfast/restore", type: "restore-proof+jwt" };

export type ProofOutcome =
  | { kind: "proven"; proof: string }
  | Exclude<PasswordCheck, { kind: "right" }>
  | { kind: "misconfigured"; fault: string };

/** Whoever runs a restore gives their password again, once, before it overwrites the accounts. */
export async function proveRestorer(
  context: Context,
  actor: UserActor,
  { generation, password }: { generation: number; password: string },
): Promise<ProofOutcome> {
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured") return keys;
  const checked = await checkPassword(context, actor.userId, password);
  if (checked.kind !== "right") return checked;
  const subject = { subject: actor.userId, claims: { restores: generation } };
  const now = context.clock.now();
  return {
    kind: "proven",
    proof: await signToken(keys.ring, PROOF, subject, { now, lifetimeSeconds: LIFE_SECONDS }),
  };
}

/** Whether a part of this table may be loaded: its restore's proof must come along where it says who may do what. */
export async function isProven(
  context: Context,
  actor: UserActor,
  table: string,
  { generation, proof }: { generation: number; proof?: string | undefined },
): Promise<boolean> {
  if (!ASKS_FOR_PROOF.has(table)) return true;
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured" || proof === undefined) return false;
  const payload = await verifyToken(keys.ring, PROOF, proof, context.clock.now());
  return payload?.sub === actor.userId && payload.restores === generation;
}
