/** Who does something. `name` is what history, the ledger and events say of it. */
export type Actor =
  | { kind: "guest"; name: "guest" }
  | { kind: "user"; name: string; userId: string; role: Role; sessionId?: string }
  | { kind: "system"; name: string };

export type Role = "customer" | "staff" | "admin";

export const GUEST: Actor = { kind: "guest", name: "guest" };

/** A part of Holdfast acting by itself: `expire-unpaid`, `alarm`. */
export const systemActor = (name: string): Actor => ({ kind: "system", name: `system:${name}` });

export const isStaff = (actor: Actor): boolean =>
  actor.kind === "system" || (actor.kind === "user" && actor.role !== "customer");

export const isAdmin = (actor: Actor): boolean => actor.kind === "user" && actor.role === "admin";
