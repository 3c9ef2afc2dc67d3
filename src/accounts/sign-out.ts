import { and, eq, isNull } from "drizzle-orm";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { sha256 } from "../platform/ids.ts";
import { refreshTokens, sessions } from "./tables.ts";

/** Ends the session that a refresh token belongs to, used or not. An unknown token ends nothing (RFC 7009, 2.2). */
export async function signOut({ env, clock }: Context, refreshToken: string): Promise<void> {
  const db = orm(env.DB);
  const itsSession = db
    .select({ id: refreshTokens.sessionId })
    .from(refreshTokens)
    .where(eq(refreshTokens.hash, await sha256(refreshToken)));
  await db
    .update(sessions)
    .set({ revokedAt: clock.now() })
    .where(and(eq(sessions.id, itsSession), isNull(sessions.revokedAt)));
}
