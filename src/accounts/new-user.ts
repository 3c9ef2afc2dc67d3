import type { Role } from "../platform/actor.ts";
import { prefixed } from "../platform/ids.ts";

/** A row of `users`, in the columns' own names. */
export interface NewUserRow {
  id: string;
  email: string;
  name: string;
  password_hash: string;
  role: Role;
  created_at: number;
  updated_at: number;
}

/** One account for each address: how it is written must not matter. */
const normaliseEmail = (email: string): string => email.trim().toLowerCase();

/** Pure. @param id a ulid; @param now milliseconds since the epoch; the password comes hashed by `hashPassword`. */
export function newUserRow(user: {
  id: string;
  email: string;
  name: string;
  passwordHash: string;
  role: Role;
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
