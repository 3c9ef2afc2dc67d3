import { z } from "zod";
import type { Context } from "../platform/context.ts";
import { sha256 } from "../platform/ids.ts";
import { keyRing } from "./keys.ts";
import { type Purpose, signToken, verifyToken } from "./signed-token.ts";

const LIFE_SECONDS = 60 * 60;

const RESET: Purpose = { audience: "holdfast/password-reset", type: "password-reset+jwt" };

const payloadSchema = z.object({ sub: z.string().min(1), of: z.string().min(1) });

/** What ties a token to the password that it replaces: the hash has a salt, so no two passwords have the same. */
const tieTo = async (passwordHash: string): Promise<string> => (await sha256(passwordHash)).slice(0, 32);

interface Account {
  id: string;
  passwordHash: string;
}

/**
 * A token that sets a new password, for a mail. It is stored nowhere, and works once and for an hour, since it is tied to the
 * password that is there: whatever sets another ends it. Null where the keys are wrong.
 */
export async function signResetToken(context: Context, account: Account): Promise<string | null> {
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured") return null;
  const told = { subject: account.id, claims: { of: await tieTo(account.passwordHash) } };
  return signToken(keys.ring, RESET, told, { now: context.clock.now(), lifetimeSeconds: LIFE_SECONDS });
}

/** Whose password a token may set, and while which is there; null for everything else. */
export async function readResetToken(context: Context, token: string) {
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured") return null;
  const payload = payloadSchema.safeParse(
    await verifyToken(keys.ring, RESET, token, context.clock.now()),
  ).data;
  if (!payload) return null;
  return {
    userId: payload.sub,
    fits: async (passwordHash: string) => (await tieTo(passwordHash)) === payload.of,
  };
}
