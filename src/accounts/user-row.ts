import type { Role } from "../platform/actor.ts";
import { isoStamp } from "../platform/clock.ts";

export const USER_COLUMNS = "id, email, name, role, disabled_at, created_at, updated_at";

/** A row of `users` as `USER_COLUMNS` reads it: the password's hash stays where it is. */
export interface UserRow {
  id: string;
  email: string;
  name: string;
  role: Role;
  disabled_at: number | null;
  created_at: number;
  updated_at: number;
}

/** An account as its owner and admins see it. */
export const renderAccount = (row: UserRow) => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  disabled: row.disabled_at !== null,
  created_at: isoStamp(row.created_at),
  updated_at: isoStamp(row.updated_at),
});
