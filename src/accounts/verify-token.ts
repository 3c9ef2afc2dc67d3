import { z } from "zod";
import type { Context } from "../platform/context.ts";
import { sha256 } from "../platform/ids.ts";
import { keyRing } from "./keys.ts";
import { type Purpose, signToken, verifyToken } from "./signed-token.ts";

const LIFE_SECONDS = 7 * 86_400;

const VERIFY: Purpose = { audience: "holdfast/verify-email", type: "verify-email+jwt" };

const payloadSchema = z.object({ sub: z.string().min(1), of: z.string().min(1) });

const tieTo = async (email: string): Promise<string> => (await sha256(email)).slice(0, 32);

/**
 * A token that shows that whoever has it reads the account's mails. It is stored nowhere, good for a week, and tied to the address
 * to which it is sent. Null where the keys are wrong.
 */
export async function signVerifyToken(
  context: Context,
  account: { id: string; email: string },
): Promise<string | null> {
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured") return null;
  const told = { subject: account.id, claims: { of: await tieTo(account.email) } };
  return signToken(keys.ring, VERIFY, told, { now: context.clock.now(), lifetimeSeconds: LIFE_SECONDS });
}

/** Whose address a token verifies, and which; null for everything else. */
export async function readVerifyToken(context: Context, token: string) {
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured") return null;
  const read = await verifyToken(keys.ring, VERIFY, token, context.clock.now());
  const payload = payloadSchema.safeParse(read).data;
  if (!payload) return null;
  return { userId: payload.sub, fits: async (email: string) => (await tieTo(email)) === payload.of };
}
