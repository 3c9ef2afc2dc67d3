import { answerFromMemory, cached, cachedPart } from "../../platform/cache/cached.ts";
import type { Context } from "../../platform/context.ts";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { ifNoneMatchHeader } from "../../platform/http/etag.ts";
import {
  invalidQuery,
  invalidRange,
  type Problem,
  problem,
  unknownName,
} from "../../platform/http/problem.ts";
import { createRouter, jsonContent, problems, UNCHANGED } from "../../platform/http/router.ts";
import { type Limit, limitedProblem, takeFrom } from "../../platform/rate-limit/limit.ts";
import { first } from "../../platform/sql.ts";
import { selectKnown } from "./documents.ts";
import { readQuery } from "./read-query.ts";
import { foundListSchema, searchQuerySchema, suggestionsSchema, suggestQuerySchema } from "./schemas.ts";
import { type ProductSearch, searchProducts, withStoreQuantities } from "./search.ts";
import { suggest } from "./suggest.ts";

const MIN_QUERY_CHARACTERS = 3;
/** How long an answer that shows stock may be repeated. The projection's own delay comes on top. */
const STOCK_MAX_AGE_SECONDS = 3;

const TOO_SHORT: Problem = {
  status: 400,
  code: "query_too_short",
  detail: `Suggestions need ${MIN_QUERY_CHARACTERS} characters at least.`,
  errors: [
    { field: "q", code: "query_too_short", message: `needs ${MIN_QUERY_CHARACTERS} characters at least` },
  ],
};

const search = createRoute({
  method: "get",
  path: "/search/products",
  permission: null,
  tags: ["Catalogue"],
  summary: "Search what is on sale",
  description:
    "Any text is a query. Titles count for more than categories, and those for more than descriptions. All filters and " +
    "sorts go together, with and without a text. Stock is the projection's, usually a second or two behind.",
  middleware: [answerFromMemory] as const,
  request: { headers: ifNoneMatchHeader, query: searchQuerySchema },
  responses: {
    200: jsonContent(foundListSchema, "A page of products", ["ETag"]),
    304: UNCHANGED,
    ...problems("unknown_category", "unknown_store", "invalid_range"),
  },
});

const suggestions = createRoute({
  method: "get",
  path: "/search/suggest",
  permission: null,
  tags: ["Catalogue"],
  summary: "Suggest titles for what is being typed",
  description:
    "Titles that begin with it, then those with such words, or else with words that are nearly so.",
  request: { query: suggestQuerySchema },
  responses: {
    200: jsonContent(suggestionsSchema, "Ten titles at most", ["ETag"]),
    ...problems("query_too_short"),
  },
});

export const searchRoutes = createRouter(
  endpoint(search, async (c) => {
    const context = c.get("context");
    const read = readQuery(c.req.valid("query"), context.settings.CURRENCY);
    if (read.kind === "unreadable") return problem(c, invalidQuery(read.errors));
    if (read.kind === "reversed") return problem(c, invalidRange("max_price", "is below min_price"));
    const { search } = read;
    const { storeId, inStock } = search;
    const seconds = inStock || storeId !== undefined ? STOCK_MAX_AGE_SECONDS : undefined;
    const missing = () => whatIsUnknown(context, search);
    return cached(c, { name: "search", query: search, seconds, missing }, async () => {
      if (storeId === undefined) return searchProducts(context, search);
      // Without `in_stock` the products do not depend on stock, so they are found once for all stores.
      const inAnyStore = { name: "search", query: { ...search, storeId: undefined } };
      const find = () => searchProducts(context, search);
      const page = inStock ? await find() : await cachedPart(c, inAnyStore, find);
      return page && withStoreQuantities(context, page, storeId);
    });
  }),
  endpoint(suggestions, async (c) => {
    const context = c.get("context");
    const query = c.req.valid("query").q.trim();
    if ([...query].length < MIN_QUERY_CHARACTERS) return problem(c, TOO_SHORT);
    const limited = await takeFrom(context, suggestionLimit(context));
    if (limited.kind === "limited") return problem(c, limitedProblem(limited), limited.headers);
    return cached(c, { name: "suggest", query, headers: limited.headers }, async () => ({
      query,
      suggestions: await suggest(context, query),
    }));
  }),
);

/** Which name of a search that found nothing to search in is wrong: only then it is asked. */
async function whatIsUnknown({ env }: Context, { category, storeId }: ProductSearch): Promise<Problem> {
  if (storeId === undefined) return unknownName("category", ["category"]);
  const found = await first(env.DB, selectKnown(category));
  return found?.known ? unknownName("store") : unknownName("category", ["category"]);
}

/** Suggestions are limited by address, also for signed-in users. */
const suggestionLimit = ({ settings, address }: Context): Limit => ({
  name: "suggestions",
  party: `address:${address}`,
  allowed: settings.SUGGESTIONS_PER_MINUTE,
  cost: 1,
});
