import { isoStamp } from "../platform/clock.ts";
import { users } from "./tables.ts";

/** What is read of a user: the password's hash stays where it is. */
export const USER_COLUMNS = {
  id: users.id,
  email: users.email,
  name: users.name,
  role: users.role,
  disabledAt: users.disabledAt,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
};

export type UserRow = Pick<typeof users.$inferSelect, keyof typeof USER_COLUMNS>;

/** An account as its owner and admins see it. */
export const renderAccount = (row: UserRow) => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  disabled: row.disabledAt !== null,
  created_at: isoStamp(row.createdAt),
  updated_at: isoStamp(row.updatedAt),
});
