import { OWN, type Permission } from "../permissions.ts";

/** Who does something. `name` is what history, the ledger and events say of it. */
export type Actor =
  | { kind: "guest"; name: "guest" }
  | UserActor
  | KeyActor
  | { kind: "system"; name: string };

export interface UserActor {
  kind: "user";
  name: string;
  userId: string;
  role: string;
  /** What the role allows. Of a role that is the shop's own it is known once the session was looked at. */
  permissions: readonly Permission[];
  sessionId: string;
  /** The restore generation of a token that is a restore's; null for all others. */
  restores: number | null;
}

/** A program of the shop's, by its API key. What it makes is a guest's. */
export interface KeyActor {
  kind: "key";
  name: string;
  keyId: string;
  permissions: readonly Permission[];
}

export const GUEST: Actor = { kind: "guest", name: "guest" };

/** A part of Holdfast acting by itself: `expire-unpaid`, `alarm`. */
export const systemActor = (name: string): Actor => ({ kind: "system", name: `system:${name}` });

/** Whether somebody may do what needs this permission. */
export const may = (actor: Actor, permission: Permission): boolean =>
  actor.kind === "system" || (actor.kind !== "guest" && actor.permissions.includes(permission));

/** Whether somebody is of the shop's people: may do more than customers do. */
export const isStaff = (actor: Actor): boolean =>
  actor.kind === "system" || (actor.kind !== "guest" && actor.permissions.some((name) => name !== OWN));
