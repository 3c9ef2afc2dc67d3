import { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import type { AppEnv } from "../../platform/http/app-env.ts";
import type { Problem } from "../../platform/http/problem.ts";
import { idParam } from "../../platform/http/router.ts";
import { type Operation, onceOn } from "../../platform/idempotency.ts";
import type { Order } from "../order.ts";
import { orderNotFound } from "../problems.ts";
import { orderOf } from "../rows.ts";
import { findOrder, orderSubject } from "./find.ts";

/** The path by which a request names an order. */
export const orderName = idParam("ord_01jcz4kq8rj2m5v0a7w9x3y6pd");

/** The header by which a guest shows that the order is theirs. */
export const orderToken = z.object({
  "x-order-token": z.string().optional().openapi({ description: "A guest order's access_token" }),
});

/** The order that a path names, for those who may see it. */
export const orderFor = (c: HonoContext<AppEnv>): Promise<Order | null> =>
  findOrder(c.get("context"), c.req.param("id") ?? "", c.req.header("X-Order-Token"));

/** The answer where `orderFor` finds none. */
export const noSuchOrder = (c: HonoContext<AppEnv>): Problem =>
  orderNotFound(c.get("context").actor, c.req.header("X-Order-Token"));

/** Runs a command on the order that the path names, once for each Idempotency-Key. */
export async function onceOnOrder<A extends Response>(
  c: HonoContext<AppEnv>,
  work: (order: Order, operation: Operation) => Promise<A>,
) {
  const subject = await orderSubject(
    c.get("context"),
    c.req.param("id") ?? "",
    c.req.header("X-Order-Token"),
  );
  return onceOn(c, subject, (row, operation) => work(orderOf(row), operation));
}
