import type { MiddlewareHandler } from "hono";
import { answerFromMemory, cached, invalidateGeneration } from "../../platform/cache/cached.ts";
import type { AppEnv } from "../../platform/http/app-env.ts";
import { createRoute, endpoint, idempotencyHeader } from "../../platform/http/endpoint.ts";
import {
  allowedVersions,
  etagOf,
  ifMatchHeader,
  ifNoneMatchHeader,
  STALE,
  tagPage,
} from "../../platform/http/etag.ts";
import { BULK_BODY_LIMIT_BYTES } from "../../platform/http/needs.ts";
import { requirePermission } from "../../platform/http/permission-guard.ts";
import { invalidBody, notFound, type Problem, problem, unknownName } from "../../platform/http/problem.ts";
import {
  bearerOrGuest,
  createRouter,
  idParam,
  jsonBody,
  jsonContent,
  problems,
  UNCHANGED,
} from "../../platform/http/router.ts";
import { once } from "../../platform/idempotency.ts";
import { listQuerySchema } from "../../platform/read-page.ts";
import type { StockPort } from "../stock-port.ts";
import { upsertProducts } from "./bulk.ts";
import { createProduct } from "./create.ts";
import { readProductHistory } from "./history.ts";
import { listProducts } from "./list.ts";
import { getProduct } from "./product.ts";
import {
  bulkItemSchema,
  bulkReportSchema,
  bulkSchema,
  newProductSchema,
  productChangeSchema,
  productHistorySchema,
  productListSchema,
  productPageSchema,
  productQuerySchema,
  productSchema,
} from "./schemas.ts";
import type { SkuHolder } from "./sku-holder.ts";
import { archiveProduct, updateProduct } from "./update.ts";

const NOT_FOUND = notFound("product");

/** Names the product that has the sku, so that staff can go to it, or put it back on sale. */
const skuTaken = (holder: SkuHolder | null): Problem => ({
  status: 409,
  code: "sku_taken",
  detail: holder?.active === 0 ? "An archived product has this sku." : "Another product has this sku.",
  errors: [{ field: "sku", code: "sku_taken", message: "is another product's" }],
  ...(holder === null ? {} : { product: { id: holder.id, active: holder.active === 1 } }),
});

const CONTENDED: Problem = {
  status: 503,
  code: "contended",
  detail: "Others are changing this product all the time: try again.",
};

const RETRY_SOON = { "Retry-After": "1" };

/** Only staff may list archived products. */
const staffForArchived: MiddlewareHandler<AppEnv> = async (c, next) => {
  const active = c.req.query("active");
  return active === undefined || active === "true" ? next() : requirePermission(c, "catalog:read", next);
};

const staffOnly = { tags: ["Catalogue"], middleware: [invalidateGeneration] };
const id = idParam("prd_01jcz4kq8rj2m5v0a7w9x3y6pd");

const list = createRoute({
  method: "get",
  path: "/products",
  permission: null,
  tags: ["Catalogue"],
  summary: "List products",
  security: bearerOrGuest,
  description: "Those on sale, newest first. Staff may ask for what is archived.",
  middleware: [staffForArchived, answerFromMemory] as const,
  request: { headers: ifNoneMatchHeader, query: productQuerySchema },
  responses: {
    200: jsonContent(productListSchema, "A page of products", ["ETag"]),
    304: UNCHANGED,
    ...problems("unknown_category", "unauthenticated", "forbidden"),
  },
});

const get = createRoute({
  method: "get",
  path: "/products/{id}",
  permission: null,
  tags: ["Catalogue"],
  summary: "Read a product and its stock",
  description:
    "Its stock is exact for staff, and for others as it was two seconds ago at most. Its ETag is of all that is shown, the stock too; an If-Match compares the version in it.",
  request: { params: id, headers: ifNoneMatchHeader },
  responses: {
    200: jsonContent(productPageSchema, "The product", ["ETag"]),
    304: { description: "Unchanged, its stock too" },
  },
});

const history = createRoute({
  ...staffOnly,
  method: "get",
  path: "/products/{id}/history",
  permission: "catalog:read",
  summary: "Each change of a product, by whom, oldest first",
  description: "Each with the product as it was after it.",
  request: { params: id, query: listQuerySchema },
  responses: {
    200: jsonContent(productHistorySchema, "A page of changes"),
  },
});

const create = createRoute({
  ...staffOnly,
  method: "post",
  path: "/products",
  permission: "catalog:write",
  needs: { session: "first_call" },
  summary: "Create a product",
  description: "It is on sale at once, and has no stock yet. Its SKU must be its own.",
  request: { headers: idempotencyHeader, body: jsonBody(newProductSchema) },
  responses: { 201: jsonContent(productSchema, "Created", ["ETag"]), ...problems("sku_taken", "contended") },
});

const bulk = createRoute({
  ...staffOnly,
  method: "post",
  path: "/products/bulk",
  permission: "catalog:write",
  needs: { session: "first_call", bodyLimit: BULK_BODY_LIMIT_BYTES },
  summary: "Create or change up to 500 products by sku, with opening stock",
  description:
    "Items stand alone: one that is wrong fails by itself. Of a product that is there, fields left out stay as they " +
    "are. Opening stock is set only where a store never had any of the product.",
  request: { headers: idempotencyHeader, body: jsonBody(bulkSchema) },
  responses: {
    200: jsonContent(bulkReportSchema, "What became of each"),
  },
});

const update = createRoute({
  ...staffOnly,
  method: "patch",
  path: "/products/{id}",
  permission: "catalog:write",
  needs: { session: "first_call" },
  summary: "Change a product, or put an archived one back on sale",
  description:
    "What is left out stays as it is; `active: true` puts it back on sale. `If-Match` refuses the change where somebody else was faster.",
  request: { params: id, headers: ifMatchHeader, body: jsonBody(productChangeSchema) },
  responses: {
    200: jsonContent(productSchema, "The product as it is now", ["ETag"]),
    ...problems("sku_taken", "contended"),
  },
});

const archive = createRoute({
  ...staffOnly,
  method: "delete",
  path: "/products/{id}",
  permission: "catalog:write",
  needs: { session: "first_call" },
  summary: "Archive a product: it stays readable and cannot be ordered",
  description: "Orders that have it go on. `PATCH` with `active: true` puts it back on sale.",
  request: { params: id, headers: ifMatchHeader },
  responses: { 204: { description: "Archived" }, ...problems("contended") },
});

export function productRoutes(stock: StockPort) {
  const router = createRouter(
    endpoint(list, (c) => {
      const query = c.req.valid("query");
      const missing = unknownName("category", ["category"]);
      return cached(c, { name: "products", query, missing }, () => listProducts(c.get("context"), query));
    }),
    endpoint(get, async (c) => {
      const product = await getProduct(c.get("context"), stock, c.get("memory"), c.req.valid("param").id);
      if (!product) return problem(c, NOT_FOUND);
      return (await tagPage(c, product)) ? c.body(null, 304) : c.json(product, 200);
    }),
    endpoint(history, async (c) => {
      const page = await readProductHistory(c.get("context"), c.req.valid("param").id, c.req.valid("query"));
      return page ? c.json(page, 200) : problem(c, NOT_FOUND);
    }),
    endpoint(create, async (c) => {
      return once(c, async (operation) => {
        const outcome = await createProduct(c.get("context"), operation, c.req.valid("json"));
        switch (outcome.kind) {
          case "created":
            return c.json(outcome.product, 201, { ETag: etagOf(outcome.product.version) });
          case "sku_taken":
            return problem(c, skuTaken(outcome.holder));
          case "invalid":
            return problem(c, invalidBody(outcome.errors));
        }
      });
    }),
    endpoint(bulk, async (c) => {
      return once(c, async () =>
        c.json(await upsertProducts(c.get("context"), stock, c.req.valid("json").products), 200),
      );
    }),
    endpoint(update, async (c) => {
      const allowed = allowedVersions(c.req.header("If-Match"));
      const outcome = await updateProduct(
        c.get("context"),
        c.req.valid("param").id,
        allowed,
        c.req.valid("json"),
      );
      switch (outcome.kind) {
        case "updated":
          return c.json(outcome.product, 200, { ETag: etagOf(outcome.product.version) });
        case "not_found":
          return problem(c, NOT_FOUND);
        case "stale":
          return problem(c, STALE);
        case "sku_taken":
          return problem(c, skuTaken(outcome.holder));
        case "contended":
          return problem(c, CONTENDED, RETRY_SOON);
        case "invalid":
          return problem(c, invalidBody(outcome.errors));
      }
    }),
    endpoint(archive, async (c) => {
      const allowed = allowedVersions(c.req.header("If-Match"));
      const outcome = await archiveProduct(c.get("context"), c.req.valid("param").id, allowed);
      switch (outcome.kind) {
        case "archived":
          return c.body(null, 204);
        case "not_found":
          return problem(c, NOT_FOUND);
        case "stale":
          return problem(c, STALE);
        case "contended":
          return problem(c, CONTENDED, RETRY_SOON);
      }
    }),
  );
  router.openAPIRegistry.register("BulkProduct", bulkItemSchema);
  return router;
}
