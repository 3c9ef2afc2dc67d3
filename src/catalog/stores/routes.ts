import { answerFromMemory, cached, invalidateGeneration } from "../../platform/cache/cached.ts";
import { createRoute, endpoint, idempotencyHeader } from "../../platform/http/endpoint.ts";
import {
  allowedVersions,
  etagOf,
  ifMatchHeader,
  ifNoneMatchHeader,
  STALE,
} from "../../platform/http/etag.ts";
import { notFound, type Problem, problem } from "../../platform/http/problem.ts";
import {
  createRouter,
  idParam,
  jsonBody,
  jsonContent,
  problems,
  UNCHANGED,
} from "../../platform/http/router.ts";
import { once } from "../../platform/idempotency.ts";
import { listQuerySchema } from "../../platform/read-page.ts";
import { newStoreSchema, type Store, storeChangeSchema, storeListSchema, storeSchema } from "./schemas.ts";
import { createStore, getStore, listStores, updateStore } from "./store.ts";

const NOT_FOUND = notFound("store");

const NAME_TAKEN: Problem = {
  status: 409,
  code: "name_taken",
  detail: "Another store has this name.",
  errors: [{ field: "name", code: "name_taken", message: "is another store's" }],
};

const staffOnly = { tags: ["Stores"], middleware: [invalidateGeneration] };
const id = idParam("sto_01jcz4kq8rj2m5v0a7w9x3y6pd");

const list = createRoute({
  method: "get",
  path: "/stores",
  permission: null,
  tags: ["Stores"],
  summary: "List stores, newest first",
  description: "All of them, page by page, with the priority by which Holdfast chooses among them.",
  middleware: [answerFromMemory] as const,
  request: { headers: ifNoneMatchHeader, query: listQuerySchema },
  responses: { 200: jsonContent(storeListSchema, "A page of stores", ["ETag"]), 304: UNCHANGED },
});

const get = createRoute({
  method: "get",
  path: "/stores/{id}",
  permission: null,
  tags: ["Stores"],
  summary: "Read a store",
  description: "With its version as `ETag`.",
  middleware: [answerFromMemory] as const,
  request: { params: id, headers: ifNoneMatchHeader },
  responses: {
    200: jsonContent(storeSchema, "The store, its version as ETag", ["ETag"]),
    304: UNCHANGED,
  },
});

const create = createRoute({
  ...staffOnly,
  method: "post",
  path: "/stores",
  permission: "catalog:write",
  needs: { session: "first_call" },
  summary: "Create a store",
  description: "It is empty until stock is set, by products in bulk or by an adjustment.",
  request: { headers: idempotencyHeader, body: jsonBody(newStoreSchema) },
  responses: { 201: jsonContent(storeSchema, "Created", ["ETag"]), ...problems("name_taken") },
});

const update = createRoute({
  ...staffOnly,
  method: "patch",
  path: "/stores/{id}",
  permission: "catalog:write",
  needs: { session: "first_call" },
  summary: "Change a store",
  description:
    "What is left out stays as it is. `If-Match` refuses the change where somebody else was faster.",
  request: { params: id, headers: ifMatchHeader, body: jsonBody(storeChangeSchema) },
  responses: { 200: jsonContent(storeSchema, "Changed", ["ETag"]), ...problems("name_taken") },
});

export const storeRoutes = createRouter(
  endpoint(list, (c) => {
    const query = c.req.valid("query");
    return cached(c, { name: "stores", query }, () => listStores(c.get("context"), query));
  }),
  endpoint(get, (c) => {
    const { id } = c.req.valid("param");
    const etag = ({ version }: Store) => etagOf(version);
    return cached(c, { name: "store", query: id, etag, missing: NOT_FOUND }, () =>
      getStore(c.get("context"), id),
    );
  }),
  endpoint(create, async (c) => {
    return once(c, async (operation) => {
      const outcome = await createStore(c.get("context"), operation, c.req.valid("json"));
      switch (outcome.kind) {
        case "created":
          return c.json(outcome.store, 201, { ETag: etagOf(outcome.store.version) });
        case "name_taken":
          return problem(c, NAME_TAKEN);
      }
    });
  }),
  endpoint(update, async (c) => {
    const allowed = allowedVersions(c.req.header("If-Match"));
    const outcome = await updateStore(
      c.get("context"),
      c.req.valid("param").id,
      allowed,
      c.req.valid("json"),
    );
    switch (outcome.kind) {
      case "updated":
        return c.json(outcome.store, 200, { ETag: etagOf(outcome.store.version) });
      case "not_found":
        return problem(c, NOT_FOUND);
      case "stale":
        return problem(c, STALE);
      case "name_taken":
        return problem(c, NAME_TAKEN);
    }
  }),
);
