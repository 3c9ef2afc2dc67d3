import type { Context as HonoContext } from "hono";
import { MAX_PRODUCTS } from "../../claims/calls.ts";
import type { AppEnv } from "../../platform/http/app-env.ts";
import { createRoute, endpoint, idempotencyHeader } from "../../platform/http/endpoint.ts";
import { BODY_LIMIT_BYTES, BULK_BODY_LIMIT_BYTES } from "../../platform/http/needs.ts";
import { CHALLENGE } from "../../platform/http/permission-guard.ts";
import {
  type FieldError,
  invalidBody,
  type Problem,
  problem,
  problemBody,
} from "../../platform/http/problem.ts";
import { bearerOrGuest, createRouter, jsonBody, jsonContent, problems } from "../../platform/http/router.ts";
import { readKey } from "../../platform/idempotency.ts";
import {
  type Limit,
  type LimitOutcome,
  limitedProblem,
  takeFromAll,
} from "../../platform/rate-limit/limit.ts";
import { isStranger } from "../place/is-stranger.ts";
import { nothingDecided } from "../place/nothing-decided.ts";
import { orderLimits } from "../place/order-limit.ts";
import { GUESTS_OFF } from "../problems.ts";
import { placeBulk, productsOf, readDrafts } from "./place-bulk.ts";
import { bulkOrdersReportSchema, bulkOrdersSchema } from "./schemas.ts";

const bulkRoute = createRoute({
  method: "post",
  path: "/orders/bulk",
  permission: null,
  // Placing looks by itself whether a backup is being restored, in its first batch.
  needs: {
    bodyLimit: BULK_BODY_LIMIT_BYTES,
    guestBodyLimit: BODY_LIMIT_BYTES,
    whileRestoring: "let_through",
  },
  tags: ["Orders"],
  summary: "Place many orders",
  security: bearerOrGuest,
  description:
    "Each by itself: what falls short, or is wrong, is told beside what was placed. With `all_or_nothing` they stand " +
    "or fall together: 201 with all of them, or 409 with what was in the way and nothing held. " +
    `A bulk may name ${MAX_PRODUCTS} different products. The body may be of 8 MiB, a guest's of 1 MiB.`,
  request: { headers: idempotencyHeader, body: jsonBody(bulkOrdersSchema) },
  responses: {
    200: jsonContent(bulkOrdersReportSchema, "What became of each"),
    201: jsonContent(bulkOrdersReportSchema, "All of them are placed"),
    ...problems(
      "not_all_placed",
      "too_many_products",
      "unauthenticated",
      "overloaded",
      "try_again",
      "outcome_unknown",
      "selling_stopped",
      "restoring",
    ),
  },
});

export const bulkRoutes = createRouter(
  endpoint(bulkRoute, async (c) => {
    const context = c.get("context");
    if (isStranger(context.actor) && !context.settings.GUEST_CHECKOUT) {
      return problem(c, GUESTS_OFF, CHALLENGE);
    }
    const read = await readKey(c);
    if (read.kind === "malformed") return problem(c, read.problem);
    const key = read.kind === "key" ? read.key : null;

    const { orders, mode } = c.req.valid("json");
    const together = mode === "all_or_nothing";
    const reads = readDrafts(context, orders, key, together);
    const faults = reads.flatMap((read) => (read.kind === "invalid" ? [read] : []));
    // Those that are wrong count too, since each was read.
    const limits = orderLimits(context, reads.length, key);
    const wrong =
      together && faults.length > 0
        ? wrongOrders(faults)
        : productsOf(reads).size > MAX_PRODUCTS
          ? TOO_MANY_PRODUCTS
          : null;
    if (wrong) {
      const limited = await takeFromAll(context, limits);
      return problem(c, limited.kind === "limited" ? tooMany(limits, limited) : wrong, limited.headers);
    }
    const { placed: outcome, limited } = await placeWithin(c, limits, (admitted) =>
      placeBulk(context, reads, key, { admitted, together }),
    );
    switch (outcome.kind) {
      case "answered": {
        const { batchId, results, created, replayed } = outcome;
        if (replayed) c.header("Idempotency-Replayed", "true");
        const counts = { batch_id: batchId, created, rejected: results.length - created };
        // A twin is still placing some of them: the next answer under the same key has the outcome of all.
        if (together && created > 0 && created < results.length) {
          return nothingDecided(c, "unavailable", limited);
        }
        if (together && created === 0) {
          return report(c, 409, problemBody({ ...NOT_ALL, ...counts }, context.requestId), results);
        }
        return report(c, together ? 201 : 200, JSON.stringify(counts), results);
      }
      case "unknown": {
        const head = problemBody({ ...UNKNOWN, batch_id: outcome.batchId }, context.requestId);
        return report(c, 503, head, outcome.results);
      }
      case "limited":
        if (limited.kind === "limited") return problem(c, tooMany(limits, limited), limited.headers);
        return nothingDecided(c, outcome.kind, limited);
      default:
        return nothingDecided(c, outcome.kind, limited);
    }
  }),
);

/** Asks the rate limits while it places, so that asking costs no time, and puts their headers on the answer. */
async function placeWithin<T>(
  c: HonoContext<AppEnv>,
  limits: Limit[],
  place: (admitted: Promise<boolean>) => Promise<T>,
): Promise<{ placed: T; limited: LimitOutcome }> {
  const context = c.get("context");
  const asked = takeFromAll(context, limits);
  const placing = place(asked.then((outcome) => outcome.kind === "allowed"));
  // A client that hangs up must not leave its orders half placed.
  context.defer(placing.catch(() => {}));
  const [placed, limited] = await Promise.all([placing, asked]);
  for (const [name, value] of Object.entries(limited.headers)) c.header(name, value);
  return { placed, limited };
}

/** The results are JSON already, and may be many: they are put into the body as they are. */
function report<S extends 200 | 201 | 409 | 503>(
  c: HonoContext<AppEnv>,
  status: S,
  fields: string,
  results: string[],
) {
  const type = status >= 400 ? "application/problem+json" : "application/json";
  const body = `${fields.slice(0, -1)},"results":[${results.join()}]}`;
  return c.body(body, status, { "content-type": type });
}

const UNKNOWN: Problem = {
  status: 503,
  code: "outcome_unknown",
  detail: "Whether the orders were placed is not known yet. Look them up before sending them again.",
};

/** Where a bulk is larger than a limit, says that it is never let through, however long one waits. */
function tooMany(limits: Limit[], limited: { retryAfter: number }): Problem {
  const never = limits.find(({ allowed, cost }) => allowed > 0 && cost > allowed);
  return never ? neverFits(never) : limitedProblem(limited);
}

const neverFits = ({ allowed, cost }: Limit): Problem => ({
  ...limitedProblem({ retryAfter: 60 }),
  detail: `A bulk of ${cost} orders is more than the ${allowed} a minute that are allowed: send fewer at once.`,
});

const NOT_ALL: Problem = {
  status: 409,
  code: "not_all_placed",
  detail: "Not all of these orders could be placed, so none was. Nothing is held.",
};

const TOO_MANY_PRODUCTS: Problem = {
  status: 422,
  code: "too_many_products",
  detail: `A bulk may name ${MAX_PRODUCTS} different products.`,
  errors: [
    { field: "orders", code: "too_many_products", message: `name more than ${MAX_PRODUCTS} products` },
  ],
};

const wrongOrders = (faults: { index: number; errors: FieldError[] }[]): Problem =>
  invalidBody(
    faults.flatMap(({ index, errors }) =>
      errors.map((error) => ({
        ...error,
        field: ["orders", index, ...(error.field === undefined ? [] : [error.field])].join("."),
      })),
    ),
  );
