import { type Actor, may } from "../../platform/actor.ts";

/** Whether the shop knows nothing of who orders: a guest, or a program that orders for one. */
export const isStranger = (actor: Actor): boolean => actor.kind !== "user" && !may(actor, "orders:write");
