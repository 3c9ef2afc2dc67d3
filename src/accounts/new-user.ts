import { prefixed } from "../platform/ids.ts";

/** A row of `users`, by the names of the columns. */
export interface NewUserRow {
  id: string;
  email: string;
  name: string;
  password_hash: string;
  role: string;
  created_at: number;
  updated_at: number;
}

/** Addresses that differ only in case or spaces belong to one account. */
const normaliseEmail = (email: string): string => email.trim().toLowerCase();

/** `id` is a ulid, `passwordHash` comes from `hashPassword`, `now` is in milliseconds since the epoch. */
export function newUserRow(user: {
  id: string;
  email: string;
  name: string;
  passwordHash: string;
  role: string;
  now: number;
}): NewUserRow {
  return {
    id: prefixed("usr", user.id),
    email: normaliseEmail(user.email),
    name: user.name.trim(),
    password_hash: user.passwordHash,
    role: user.role,
    created_at: user.now,
    updated_at: user.now,
  };
}
