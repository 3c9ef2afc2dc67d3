import { z } from "@hono/zod-openapi";
import { ACCESS_TOKEN_SECONDS } from "../../accounts/access-token.ts";
import { misconfiguredKey, requireAdmin, signedIn } from "../../accounts/authenticate.ts";
import { stockOf } from "../../inventory/client.ts";
import type { DumpCursor, LoadOutcome } from "../../inventory/stock-types.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { notFound, type Problem, problem } from "../../platform/http/problem.ts";
import { bearer, createRouter, jsonBody, jsonContent, problems } from "../../platform/http/router.ts";
import { readRestoreState, refusalOf } from "../../platform/restoring.ts";
import type { FieldCode } from "../../problem-codes.ts";
import { findUnknown } from "../reconcile/reconcile.ts";
import { RESTORE_REFUSALS } from "../selling/problems.ts";
import {
  changedAt,
  dumpChanges,
  dumpTable,
  finishTables,
  isCursorOf,
  loadTable,
  type RestoreOutcome,
  readAgain,
  readProgress,
} from "./dump-table.ts";
import { extendToken } from "./extend-token.ts";
import {
  changesQuery,
  changesSchema,
  cursorQuery,
  doneSchema,
  emptyStockSchema,
  extendedSchema,
  finishSchema,
  loadStockSchema,
  loadStocksSchema,
  loadTableSchema,
  movementsQuery,
  movementsSchema,
  overviewSchema,
  stockPageSchema,
  stockPagesSchema,
  stockQuery,
  tablePageSchema,
  tableQuery,
} from "./schemas.ts";
import { dumpStock, dumpStocks, emptyStock, loadStocks, readHandMovements } from "./stock.ts";
import { findTable, readSchemaVersion, readTables } from "./tables.ts";

const invalidQuery = (field: string, code: FieldCode, message: string): Problem => ({
  status: 400,
  code: "invalid_query",
  detail: "The query could not be read.",
  errors: [{ field, code, message }],
});

const BAD_CURSOR = invalidQuery("cursor", "invalid_cursor", "is not a next of this table");
const UNDATED = invalidQuery("since", "undated", "this table does not say when its rows changed");

/** To be asked before the objects are, so that no object is made for nothing. A restore loads the products first. */
const areProducts = async (context: Context, ids: string[]): Promise<boolean> =>
  (await findUnknown(context, ids)).length === 0;

const unfit = (message: string): Problem => ({
  status: 422,
  code: "invalid_body",
  detail: "A field is wrong.",
  errors: [{ field: "rows", code: "unfit", message }],
});

const refusedBy = (outcome: Exclude<RestoreOutcome, { kind: "done" }>): Problem =>
  outcome.kind === "unfit" ? unfit(outcome.message) : RESTORE_REFUSALS[outcome.kind];

const NOT_BEGUN: Problem = {
  status: 409,
  code: "restore_not_begun",
  detail: "This restore has not emptied the product's stock object, or has loaded it already.",
};

function notLoaded(outcome: LoadOutcome): Problem | null {
  switch (outcome.kind) {
    case "loaded":
      return null;
    case "not_begun":
      return NOT_BEGUN;
    case "unfit":
      return unfit(outcome.message);
  }
}

const OBJECT_RESTORED: Problem = {
  status: 409,
  code: "stock_restored",
  detail:
    "A restore came between: what was read of this product before is of no use. Begin the backup again.",
};

const tags = ["Backup"];
const reading = { tags, security: bearer, method: "get" as const, middleware: [requireAdmin] };
/** Routes of the restore itself, which must not be refused while it is under way. */
const writing = {
  tags,
  security: bearer,
  method: "post" as const,
  needs: { whileRestoring: "let_through" as const },
  middleware: [requireAdmin],
};
/** As `writing`, for rows as they were read, whatever text is in them. */
const loading = { ...writing, needs: { ...writing.needs, anyText: true } };
const done = { 200: jsonContent(doneSchema, "Done") };
const tableName = z.object({ name: z.string().openapi({ example: "categories" }) });
const productId = z.object({ product_id: z.string() });

const overview = createRoute({
  ...reading,
  path: "/ops/backup",
  summary: "What a backup has",
  description: "Its tables, in their order, and the schema that it fits.",
  responses: { 200: jsonContent(overviewSchema, "The tables") },
});

const readTable = createRoute({
  ...reading,
  path: "/ops/backup/tables/{name}",
  summary: "Read a table, page by page",
  description: "Rows as they are stored; `next` goes on.",
  request: { params: tableName, query: tableQuery },
  responses: { 200: jsonContent(tablePageSchema, "A page") },
});

const writeTable = createRoute({
  ...loading,
  path: "/ops/backup/tables/{name}",
  summary: "Restore a part of a table",
  description: "Rows as they were read. The first part empties the table.",
  request: { params: tableName, body: jsonBody(loadTableSchema) },
  responses: { ...done, ...problems("not_restoring", "restore_superseded") },
});

const readChanges = createRoute({
  ...reading,
  path: "/ops/backup/changes",
  summary: "Read whole what changed after an event",
  description: "What a backup's pages may have torn, since they are read at different moments.",
  request: { query: changesQuery },
  responses: { 200: jsonContent(changesSchema, "The rows") },
});

const readStock = createRoute({
  ...reading,
  path: "/ops/backup/stock/{product_id}",
  summary: "Read a product's stock object, page by page",
  description: "For an object that is too large to be read beside others.",
  request: { params: productId, query: cursorQuery },
  responses: { 200: jsonContent(stockPageSchema, "A page"), ...problems("stock_restored") },
});

const writeStock = createRoute({
  ...loading,
  path: "/ops/backup/stock/{product_id}",
  summary: "Restore a part of a product's stock object",
  description: "For an object that is too large to be loaded beside others.",
  request: { params: productId, body: jsonBody(loadStockSchema) },
  responses: { ...done, ...problems("not_restoring", "restore_superseded", "restore_not_begun") },
});

const readStocks = createRoute({
  ...reading,
  path: "/ops/backup/stock",
  summary: "Read the stock objects of several products",
  description:
    "The first page of each, in the order of the list. Of products with many rows fewer are answered than were asked for: ask again for the rest.",
  request: { query: stockQuery },
  responses: { 200: jsonContent(stockPagesSchema, "Pages"), ...problems("not_found", "stock_restored") },
});

const writeStocks = createRoute({
  ...loading,
  path: "/ops/backup/stock",
  summary: "Restore the stock objects of several products, each whole",
  description: "Each of them must be emptied first, and is loaded once.",
  request: { body: jsonBody(loadStocksSchema) },
  responses: {
    ...done,
    ...problems("not_found", "not_restoring", "restore_superseded", "restore_not_begun"),
  },
});

const readMovements = createRoute({
  ...reading,
  path: "/ops/backup/movements",
  summary: "Read what people have done to stock since a moment, some products at a time",
  description: "Adjustments and transfers, for a restore that would lose them.",
  request: { query: movementsQuery },
  responses: { 200: jsonContent(movementsSchema, "Lines of the ledger") },
});

const emptyObjects = createRoute({
  ...writing,
  path: "/ops/backup/empty-stock",
  summary: "Empty stock objects before a restore",
  description: "From then on they sell nothing until they are loaded.",
  request: { body: jsonBody(emptyStockSchema) },
  responses: { ...done, ...problems("not_restoring", "restore_superseded") },
});

const finish = createRoute({
  ...writing,
  path: "/ops/backup/finish",
  summary: "Say that all tables are restored",
  description: "Makes again what is derived, and what the figures are read from.",
  request: { body: jsonBody(finishSchema) },
  responses: { ...done, ...problems("not_restoring", "restore_superseded") },
});

const extend = createRoute({
  ...writing,
  path: "/ops/backup/token",
  summary: "Extend the access token of a restore",
  description: "Until the shop is open again: the users that the restore brings may not have its admin.",
  responses: {
    200: jsonContent(extendedSchema, "A fresh token"),
    ...problems("not_restoring", "restore_superseded"),
  },
});

export const backupRoutes = createRouter(
  endpoint(overview, async (c) => {
    const context = c.get("context");
    // Before all else: whoever compares two of these answers must not miss a restore that began in between.
    const state = await readRestoreState(context);
    const tables = (await readTables(context)).map(({ name }) => name);
    const now = context.clock.now();
    const at = isoTimestamp(now);
    const again = readAgain(now).map(({ table, since }) => ({
      table,
      since: since === null ? null : isoTimestamp(since),
    }));
    const { lastSeq, underWay } = await readProgress(context);
    const schema = await readSchemaVersion(context);
    return c.json({ schema, at, last_seq: lastSeq, tables, again, under_way: underWay, ...state }, 200);
  }),
  endpoint(readTable, async (c) => {
    const context = c.get("context");
    const table = await findTable(context, c.req.valid("param").name);
    if (!table) return problem(c, notFound("table"));
    const { cursor, since } = c.req.valid("query");
    if (cursor !== undefined && !isCursorOf(table, cursor)) return problem(c, BAD_CURSOR);
    if (since !== undefined && changedAt(table) === null) return problem(c, UNDATED);
    const wanted = { cursor: cursor ?? null, since: since === undefined ? null : Date.parse(since) };
    return c.json(await dumpTable(context, table, wanted), 200);
  }),
  endpoint(writeTable, async (c) => {
    const context = c.get("context");
    const table = await findTable(context, c.req.valid("param").name);
    if (!table) return problem(c, notFound("table"));
    const outcome = await loadTable(context, table, c.req.valid("json"));
    if (outcome.kind !== "done") return problem(c, refusedBy(outcome));
    return c.json({ done: true as const }, 200);
  }),
  endpoint(readChanges, async (c) => {
    const { after, since } = c.req.valid("query");
    const began = since === undefined ? null : Date.parse(since);
    return c.json(await dumpChanges(c.get("context"), after, began), 200);
  }),
  endpoint(readStocks, async (c) => {
    const context = c.get("context");
    const { product_ids } = c.req.valid("query");
    if (!(await areProducts(context, product_ids))) return problem(c, notFound("product"));
    const outcome = await dumpStocks(context, product_ids);
    if (outcome.kind === "restored") return problem(c, OBJECT_RESTORED);
    return c.json({ objects: outcome.objects }, 200);
  }),
  endpoint(writeStocks, async (c) => {
    const context = c.get("context");
    const { generation, objects } = c.req.valid("json");
    const refusal = await refusalOf(context, generation);
    if (refusal !== null) return problem(c, RESTORE_REFUSALS[refusal]);
    const ids = objects.map(({ product_id }) => product_id);
    if (!(await areProducts(context, ids))) return problem(c, notFound("product"));
    const refused = notLoaded(await loadStocks(context, generation, objects));
    return refused === null ? c.json({ done: true as const }, 200) : problem(c, refused);
  }),
  endpoint(readStock, async (c) => {
    const context = c.get("context");
    const { product_id } = c.req.valid("param");
    const { cursor } = c.req.valid("query");
    if (cursor !== undefined && !isStockCursor(cursor)) return problem(c, BAD_CURSOR);
    if (!(await areProducts(context, [product_id]))) return problem(c, notFound("product"));
    const outcome = await dumpStock(context, product_id, cursor ?? null);
    if (outcome.kind === "restored") return problem(c, OBJECT_RESTORED);
    return c.json({ rows: outcome.rows, next: outcome.next }, 200);
  }),
  endpoint(writeStock, async (c) => {
    const context = c.get("context");
    const { product_id } = c.req.valid("param");
    const part = c.req.valid("json");
    const refusal = await refusalOf(context, part.generation);
    if (refusal !== null) return problem(c, RESTORE_REFUSALS[refusal]);
    if (!(await areProducts(context, [product_id]))) return problem(c, notFound("product"));
    const refused = notLoaded(await stockOf(c.env, product_id).load(product_id, part));
    return refused === null ? c.json({ done: true as const }, 200) : problem(c, refused);
  }),
  endpoint(readMovements, async (c) => {
    const { since, after } = c.req.valid("query");
    return c.json(await readHandMovements(c.get("context"), Date.parse(since), after), 200);
  }),
  endpoint(emptyObjects, async (c) => {
    const { product_ids, generation } = c.req.valid("json");
    const { kind } = await emptyStock(c.get("context"), product_ids, generation);
    if (kind !== "emptied") return problem(c, RESTORE_REFUSALS[kind]);
    return c.json({ done: true as const }, 200);
  }),
  endpoint(finish, async (c) => {
    const outcome = await finishTables(c.get("context"), c.req.valid("json").generation);
    if (outcome.kind !== "done") return problem(c, refusedBy(outcome));
    return c.json({ done: true as const }, 200);
  }),
  endpoint(extend, async (c) => {
    const outcome = await extendToken(c.get("context"), signedIn(c));
    switch (outcome.kind) {
      case "extended":
        return c.json({ access_token: outcome.accessToken, expires_in: ACCESS_TOKEN_SECONDS }, 200);
      case "not_restoring":
        return problem(c, RESTORE_REFUSALS[outcome.kind]);
      case "misconfigured":
        return problem(c, misconfiguredKey(outcome.fault));
    }
  }),
);

const stockCursor = z.object({
  part: z.enum(["operations", "claims", "movements", "changes"]),
  after: z.union([z.string(), z.number()]),
  began: z.number(),
  generation: z.number(),
}) satisfies z.ZodType<DumpCursor>;

function isStockCursor(cursor: string): boolean {
  try {
    return stockCursor.safeParse(JSON.parse(cursor)).success;
  } catch {
    return false;
  }
}
