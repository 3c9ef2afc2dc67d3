import { ACCESS_TOKEN_SECONDS } from "../../accounts/access-token.ts";
import { misconfiguredKey } from "../../accounts/authenticate.ts";
import { tooManyAtOnce, wrongPassword } from "../../accounts/problems.ts";
import { stockOf } from "../../inventory/client.ts";
import type { LoadOutcome } from "../../inventory/stock-types.ts";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { CHALLENGE_INVALID, SESSION_ENDED, signedIn } from "../../platform/http/permission-guard.ts";
import { notFound, type Problem, problem } from "../../platform/http/problem.ts";
import { createRouter, jsonBody, jsonContent, problems } from "../../platform/http/router.ts";
import { limitedProblem } from "../../platform/rate-limit/limit.ts";
import { refusalOf } from "../../platform/restoring.ts";
import { RESTORE_REFUSALS } from "../selling/problems.ts";
import { finishTables, loadTable, type RestoreOutcome } from "./dump-table.ts";
import { extendToken } from "./extend-token.ts";
import { isProven, proveRestorer } from "./proof.ts";
import {
  doneSchema,
  emptyStockSchema,
  extendedSchema,
  finishSchema,
  loadStockSchema,
  loadStocksSchema,
  loadTableSchema,
  productId,
  provenSchema,
  proveSchema,
  tableName,
} from "./schemas.ts";
import { areProducts, emptyStock, loadStocks } from "./stock.ts";
import { findTable } from "./tables.ts";

const unfit = (message: string): Problem => ({
  status: 422,
  code: "invalid_body",
  detail: "A field is wrong.",
  errors: [{ field: "rows", code: "unfit", message }],
});

const refusedBy = (outcome: Exclude<RestoreOutcome, { kind: "done" }>): Problem =>
  outcome.kind === "unfit" ? unfit(outcome.message) : RESTORE_REFUSALS[outcome.kind];

const PROOF_NEEDED: Problem = {
  status: 403,
  code: "proof_needed",
  detail: "This table says who may do what: send the proof that your password gave for this restore.",
  errors: [{ field: "proof", code: "proof_needed", message: "is missing, or of another restore" }],
};

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

const tags = ["Backup"];
/** Routes of the restore itself, which must not be refused while it is under way. */
const writing = {
  tags,
  method: "post" as const,
  permission: "backup" as const,
  needs: { whileRestoring: "let_through" as const, audited: false },
};
/** As `writing`, for rows as they were read, whatever text is in them. */
const loading = { ...writing, needs: { ...writing.needs, anyText: true } };
const done = { 200: jsonContent(doneSchema, "Done") };

const writeTable = createRoute({
  ...loading,
  path: "/ops/backup/tables/{name}",
  summary: "Restore a part of a table",
  description: "Rows as they were read. The first part empties the table.",
  request: { params: tableName, body: jsonBody(loadTableSchema) },
  responses: { ...done, ...problems("not_restoring", "restore_superseded", "proof_needed") },
});

const writeStock = createRoute({
  ...loading,
  path: "/ops/backup/stock/{product_id}",
  summary: "Restore a part of a product's stock object",
  description: "For an object that is too large to be loaded beside others.",
  request: { params: productId, body: jsonBody(loadStockSchema) },
  responses: { ...done, ...problems("not_restoring", "restore_superseded", "restore_not_begun") },
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

const prove = createRoute({
  ...writing,
  path: "/ops/backup/proof",
  summary: "Prove who restores, by their password",
  description:
    "Once, before `users`, `roles` and `api_keys` are loaded: a stolen token must not write its holder in there.",
  request: { body: jsonBody(proveSchema) },
  responses: {
    200: jsonContent(provenSchema, "For this restore, for a day"),
    ...problems("wrong_password", "not_restoring", "restore_superseded"),
  },
});

/** What a restore calls: `backupRoutes` only read. */
export const restoreRoutes = createRouter(
  endpoint(writeTable, async (c) => {
    const context = c.get("context");
    const table = await findTable(context, c.req.valid("param").name);
    if (!table) return problem(c, notFound("table"));
    const part = c.req.valid("json");
    if (!(await isProven(context, signedIn(c), table.name, part))) return problem(c, PROOF_NEEDED);
    const outcome = await loadTable(context, table, part);
    if (outcome.kind !== "done") return problem(c, refusedBy(outcome));
    return c.json({ done: true as const }, 200);
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
  endpoint(prove, async (c) => {
    const context = c.get("context");
    const given = c.req.valid("json");
    const refusal = await refusalOf(context, given.generation);
    if (refusal !== null) return problem(c, RESTORE_REFUSALS[refusal]);
    const outcome = await proveRestorer(context, signedIn(c), given);
    switch (outcome.kind) {
      case "proven":
        return c.json({ proof: outcome.proof }, 200, { "Cache-Control": "no-store" });
      case "wrong_password":
        return problem(c, wrongPassword("password"));
      case "gone":
        return problem(c, SESSION_ENDED, CHALLENGE_INVALID);
      case "limited":
        return problem(c, limitedProblem(outcome), outcome.headers);
      case "too_many_at_once":
        return tooManyAtOnce(c, outcome);
      case "misconfigured":
        return problem(c, misconfiguredKey(outcome.fault));
    }
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
