import { z } from "@hono/zod-openapi";
import type { DumpCursor } from "../../inventory/stock-types.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { notFound, type Problem, problem } from "../../platform/http/problem.ts";
import { createRouter, jsonContent, problems } from "../../platform/http/router.ts";
import { readRestoreState } from "../../platform/restoring.ts";
import type { FieldCode } from "../../problem-codes.ts";
import { changedAt, dumpChanges, dumpTable, isCursorOf, readAgain, readProgress } from "./dump-table.ts";
import {
  changesQuery,
  changesSchema,
  cursorQuery,
  movementsQuery,
  movementsSchema,
  overviewSchema,
  productId,
  stockPageSchema,
  stockPagesSchema,
  stockQuery,
  tableName,
  tablePageSchema,
  tableQuery,
} from "./schemas.ts";
import { areProducts, dumpStock, dumpStocks, readHandMovements } from "./stock.ts";
import { findTable, readSchemaVersion, readTables } from "./tables.ts";

const invalidQuery = (field: string, code: FieldCode, message: string): Problem => ({
  status: 400,
  code: "invalid_query",
  detail: "The query could not be read.",
  errors: [{ field, code, message }],
});

const BAD_CURSOR = invalidQuery("cursor", "invalid_cursor", "is not a next of this table");
const UNDATED = invalidQuery("since", "undated", "this table does not say when its rows changed");

const OBJECT_RESTORED: Problem = {
  status: 409,
  code: "stock_restored",
  detail:
    "A restore came between: what was read of this product before is of no use. Begin the backup again.",
};

const tags = ["Backup"];
const reading = { tags, method: "get" as const, permission: "backup" as const };

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

const readStocks = createRoute({
  ...reading,
  path: "/ops/backup/stock",
  summary: "Read the stock objects of several products",
  description:
    "The first page of each, in the order of the list. Of products with many rows fewer are answered than were asked for: ask again for the rest.",
  request: { query: stockQuery },
  responses: { 200: jsonContent(stockPagesSchema, "Pages"), ...problems("not_found", "stock_restored") },
});

const readMovements = createRoute({
  ...reading,
  path: "/ops/backup/movements",
  summary: "Read what people have done to stock since a moment, some products at a time",
  description: "Adjustments and transfers, for a restore that would lose them.",
  request: { query: movementsQuery },
  responses: { 200: jsonContent(movementsSchema, "Lines of the ledger") },
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
  endpoint(readMovements, async (c) => {
    const { since, after } = c.req.valid("query");
    return c.json(await readHandMovements(c.get("context"), Date.parse(since), after), 200);
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
