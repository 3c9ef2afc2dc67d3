import type { Context as HonoContext } from "hono";
import { auditEntry } from "../audit/entry.ts";
import { isoTimestamp } from "../platform/clock.ts";
import type { AppEnv } from "../platform/http/app-env.ts";
import { createRoute, endpoint, idempotencyHeader } from "../platform/http/endpoint.ts";
import { notFound, type Problem, problem, unknownName } from "../platform/http/problem.ts";
import { createRouter, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import { KEY_REUSED, once } from "../platform/idempotency.ts";
import { decodeCursor, toList } from "../platform/pagination.ts";
import { each, sql } from "../platform/sql.ts";
import { findNames, stockOf } from "./client.ts";
import { listInventory } from "./projection/list.ts";
import { summariseInventory } from "./projection/summary.ts";
import {
  adjustedSchema,
  adjustmentSchema,
  inventoryListSchema,
  inventoryQuerySchema,
  inventorySchema,
  inventorySummarySchema,
  movementListSchema,
  movementQuerySchema,
  pastLevelsQuerySchema,
  pastLevelsSchema,
  productParam,
  transferredSchema,
  transferSchema,
} from "./schemas.ts";
import type { CommandOutcome, Movement, StockCommands } from "./stock-types.ts";

const NOT_FOUND = notFound("product");

const staffOnly = { tags: ["Inventory"] };

const list = createRoute({
  ...staffOnly,
  method: "get",
  path: "/inventory",
  permission: "inventory:read",
  summary: "List stock by product and store, from the projection",
  description: "A second or two behind; one product's exact levels are at `/inventory/{product_id}`.",
  request: { query: inventoryQuerySchema },
  responses: { 200: jsonContent(inventoryListSchema, "A page of levels"), ...problems("unknown_store") },
});

const summary = createRoute({
  ...staffOnly,
  method: "get",
  path: "/inventory/summary",
  permission: "inventory:read",
  summary: "Count what is on sale by how much is left of it",
  description: "Products on sale with none, with little and with enough, over all stores.",
  request: {},
  responses: { 200: jsonContent(inventorySummarySchema, "The counts") },
});

const get = createRoute({
  ...staffOnly,
  method: "get",
  path: "/inventory/{product_id}",
  permission: "inventory:read",
  summary: "Read a product's exact stock, with its open holds",
  description:
    "From the object that decides who gets a unit: on hand, reserved and available in each store, and what holds each reserved unit.",
  request: { params: productParam },
  responses: { 200: jsonContent(inventorySchema, "The stock") },
});

const adjust = createRoute({
  ...staffOnly,
  method: "post",
  path: "/inventory/{product_id}/adjust",
  permission: "inventory:write",
  needs: { session: "first_call" },
  summary: "Correct, receive, return or write off stock in a store",
  description:
    "`set` counts anew, `add` and `return` bring in, `remove` and `damage` take out; never below what is reserved. Each is a line of the ledger.",
  request: { params: productParam, headers: idempotencyHeader, body: jsonBody(adjustmentSchema) },
  responses: {
    201: jsonContent(adjustedSchema, "Adjusted"),
    ...problems("unknown_store", "stock_reserved", "too_many"),
  },
});

const transfer = createRoute({
  ...staffOnly,
  method: "post",
  path: "/inventory/{product_id}/transfer",
  permission: "inventory:write",
  needs: { session: "first_call" },
  summary: "Move free units from one store to another",
  description: "In one step: no unit is in both stores, or in none.",
  request: { params: productParam, headers: idempotencyHeader, body: jsonBody(transferSchema) },
  responses: {
    201: jsonContent(transferredSchema, "Both movements"),
    ...problems("unknown_store", "stock_reserved", "too_many"),
  },
});

const transactions = createRoute({
  ...staffOnly,
  method: "get",
  path: "/inventory/{product_id}/transactions",
  permission: "inventory:read",
  summary: "Read the ledger of a product, newest first",
  description: "Every movement that there was, with what was on hand before and after.",
  request: { params: productParam, query: movementQuerySchema },
  responses: {
    200: jsonContent(movementListSchema, "A page of movements"),
  },
});

const pastLevels = createRoute({
  ...staffOnly,
  method: "get",
  path: "/inventory/{product_id}/levels",
  permission: "inventory:read",
  summary: "Read a product's levels as they were at a past time",
  description: "Added up from the ledger, store by store.",
  request: { params: productParam, query: pastLevelsQuerySchema },
  responses: { 200: jsonContent(pastLevelsSchema, "The levels") },
});

export const inventoryRoutes = createRouter(
  endpoint(list, async (c) => {
    const page = await listInventory(c.get("context"), c.req.valid("query"));
    return page ? c.json(page, 200) : problem(c, unknownName("store"));
  }),
  // Before the route below, which would take `summary` for a product's id.
  endpoint(summary, async (c) => c.json(await summariseInventory(c.get("context")), 200)),
  endpoint(get, async (c) => {
    const { env } = c.get("context");
    const { product_id } = c.req.valid("param");
    const names = await findNames(env.DB, product_id);
    if (!names.product) return problem(c, NOT_FOUND);
    return c.json({ product_id, ...(await stockOf(env, product_id).inventory()) }, 200);
  }),
  endpoint(adjust, (c) => {
    const { product_id } = c.req.valid("param");
    const { store_id, type, quantity, reason, reference = null } = c.req.valid("json");
    return runCommand(
      c,
      product_id,
      { store_id },
      (stock, by, generation) =>
        stock.adjust(product_id, { ...by, storeId: store_id, type, quantity, reason, reference }, generation),
      ([movement]) => {
        if (!movement) throw new Error("an adjustment is not in its ledger");
        return { movement, before: movement.before, after: movement.after };
      },
      { action: "stock.adjusted", what: c.req.valid("json") },
      type === "set" ? "is less than what is reserved" : undefined,
    );
  }),
  endpoint(transfer, (c) => {
    const { product_id } = c.req.valid("param");
    const { from_store_id, to_store_id, quantity, reason } = c.req.valid("json");
    const stores = { fromStoreId: from_store_id, toStoreId: to_store_id };
    return runCommand(
      c,
      product_id,
      { from_store_id, to_store_id },
      (stock, by, generation) =>
        stock.transfer(product_id, { ...by, ...stores, quantity, reason }, generation),
      (movements) => ({ movements }),
      { action: "stock.transferred", what: c.req.valid("json") },
    );
  }),
  endpoint(transactions, async (c) => {
    const { env } = c.get("context");
    const { product_id } = c.req.valid("param");
    const query = { ...c.req.valid("query"), page: 1 };
    const names = await findNames(env.DB, product_id);
    if (!names.product) return problem(c, NOT_FOUND);
    const before = query.cursor === undefined ? null : Number(decodeCursor(query.cursor)?.key);
    // One more than the page shows, to know whether there is a next page.
    const { movements } = await stockOf(env, product_id).movements(before, query.page_size + 1);
    const page = toList(
      query,
      movements,
      null,
      ({ seq }) => ({ key: seq, id: "" }),
      (movement) => movement,
    );
    return c.json(page, 200);
  }),
  endpoint(pastLevels, async (c) => {
    const { env, clock } = c.get("context");
    const { product_id } = c.req.valid("param");
    const names = await findNames(env.DB, product_id);
    if (!names.product) return problem(c, NOT_FOUND);
    const now = clock.now();
    const at = Math.min(c.req.valid("query").at ?? now, now);
    // Now means all movements, even if the object's clock was ahead of this one.
    const levels = await stockOf(env, product_id).levelsAt(at < now ? at : Number.MAX_SAFE_INTEGER);
    return c.json({ product_id, at: isoTimestamp(at), ...levels }, 200);
  }),
);

/**
 * Runs a person's command once, if its product and stores exist.
 * @param stores each store by the field that names it
 * @param render makes the answer to a command that was done from its movements
 * @param asked what the audit log says of it
 * @param belowReserved what is wrong with a quantity that would leave less than is reserved
 */
const runCommand = <Wire extends object>(
  c: HonoContext<AppEnv>,
  productId: string,
  stores: Record<string, string>,
  run: (
    stock: StockCommands,
    by: { operation: string; actor: string },
    generation: number | undefined,
  ) => Promise<CommandOutcome>,
  render: (movements: Movement[]) => Wire,
  asked: { action: string; what: object },
  belowReserved = "is more than what is free",
) =>
  once(c, async ({ id: operation }) => {
    const context = c.get("context");
    const { env, actor, generation } = context;
    // Before the object is asked; its ledger says what came of it, under the same operation.
    const entry = auditEntry(
      context,
      { action: asked.action, objectType: "stock", objectId: productId, what: { ...asked.what, operation } },
      sql`EXISTS (SELECT 1 FROM products WHERE id = ${productId}) AND NOT EXISTS (
        SELECT 1 FROM ${each(Object.values(stores))} AS named WHERE named.value NOT IN (SELECT id FROM stores))`,
    );
    const names = await findNames(env.DB, productId, Object.values(stores), entry);
    if (!names.product) return problem(c, NOT_FOUND);
    const unknown = Object.entries(stores).filter(([, store]) => !names.stores.has(store));
    if (unknown.length > 0)
      return problem(
        c,
        unknownName(
          "store",
          unknown.map(([field]) => field),
        ),
      );
    const outcome = await run(stockOf(env, productId), { operation, actor: actor.name }, generation);
    switch (outcome.kind) {
      case "done":
        return c.json(render(outcome.movements), 201);
      case "stock_reserved":
        return problem(c, stockReserved(outcome, belowReserved));
      case "too_many":
        return problem(c, tooMany(outcome));
      case "operation_reused":
        return problem(c, KEY_REUSED);
    }
  });

function stockReserved(
  { on_hand, reserved, requested }: Extract<CommandOutcome, { kind: "stock_reserved" }>,
  message: string,
): Problem {
  const detail = `The quantity ${message}: of ${on_hand} units on hand ${reserved} are reserved, and ${on_hand - reserved} are free.`;
  const error = { field: "quantity", code: "stock_reserved", message };
  return {
    status: 409,
    code: "stock_reserved",
    detail,
    errors: [{ ...error, requested, on_hand, reserved, available: on_hand - reserved }],
  };
}

function tooMany({ on_hand, limit }: Extract<CommandOutcome, { kind: "too_many" }>): Problem {
  const error = { field: "quantity", code: "too_many", message: `would come to more than ${limit}` };
  return {
    status: 409,
    code: "too_many",
    detail: `A store can have ${limit} units on hand of a product; it has ${on_hand}.`,
    errors: [{ ...error, on_hand, limit }],
  };
}
