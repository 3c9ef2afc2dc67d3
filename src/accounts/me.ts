import { and, eq, isNull } from "drizzle-orm";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { users } from "./tables.ts";
import { USER_COLUMNS, type UserRow } from "./user-row.ts";

/** The account behind a token, as it is now; undefined when it is gone or was disabled since. */
export function readMe({ env }: Context, userId: string): Promise<UserRow | undefined> {
  return orm(env.DB).select(USER_COLUMNS).from(users).where(isEnabled(userId)).get();
}

/** Changes what a user may change of their own account; undefined as `readMe`. */
export function editMe(
  { env, clock }: Context,
  userId: string,
  change: { name?: string | undefined },
): Promise<UserRow | undefined> {
  return orm(env.DB)
    .update(users)
    .set({ name: change.name, updatedAt: clock.now() })
    .where(isEnabled(userId))
    .returning(USER_COLUMNS)
    .get();
}

const isEnabled = (userId: string) => and(eq(users.id, userId), isNull(users.disabledAt));
