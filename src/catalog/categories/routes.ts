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
import { createCategory, deleteCategory, getCategory, listCategories, updateCategory } from "./category.ts";
import {
  type Category,
  categoryChangeSchema,
  categoryListSchema,
  categorySchema,
  newCategorySchema,
} from "./schemas.ts";

const NOT_FOUND = notFound("category");

const NAME_TAKEN: Problem = {
  status: 409,
  code: "name_taken",
  detail: "Another category has this name.",
  errors: [{ field: "name", code: "name_taken", message: "is another category's" }],
};

const IN_USE: Problem = {
  status: 409,
  code: "category_in_use",
  detail: "Products, archived ones too, are in this category: move them to another first.",
};

const staffOnly = { tags: ["Catalogue"], middleware: [invalidateGeneration] };
const id = idParam("cat_01jcz4kq8rj2m5v0a7w9x3y6pd");

const list = createRoute({
  method: "get",
  path: "/categories",
  permission: null,
  tags: ["Catalogue"],
  summary: "List categories, newest first",
  description: "All of them, page by page.",
  middleware: [answerFromMemory] as const,
  request: { headers: ifNoneMatchHeader, query: listQuerySchema },
  responses: {
    200: jsonContent(categoryListSchema, "A page of categories", ["ETag"]),
    304: UNCHANGED,
  },
});

const get = createRoute({
  method: "get",
  path: "/categories/{id}",
  permission: null,
  tags: ["Catalogue"],
  summary: "Read a category",
  description: "With its version as `ETag`.",
  middleware: [answerFromMemory] as const,
  request: { params: id, headers: ifNoneMatchHeader },
  responses: {
    200: jsonContent(categorySchema, "The category, its version as ETag", ["ETag"]),
    304: UNCHANGED,
  },
});

const create = createRoute({
  ...staffOnly,
  method: "post",
  path: "/categories",
  permission: "catalog:write",
  needs: { session: "first_call" },
  summary: "Create a category",
  description: "Its name must be its own, in any case of letters.",
  request: { headers: idempotencyHeader, body: jsonBody(newCategorySchema) },
  responses: { 201: jsonContent(categorySchema, "Created", ["ETag"]), ...problems("name_taken") },
});

const update = createRoute({
  ...staffOnly,
  method: "patch",
  path: "/categories/{id}",
  permission: "catalog:write",
  needs: { session: "first_call" },
  summary: "Change a category",
  description:
    "What is left out stays as it is. `If-Match` refuses the change where somebody else was faster.",
  request: { params: id, headers: ifMatchHeader, body: jsonBody(categoryChangeSchema) },
  responses: {
    200: jsonContent(categorySchema, "Changed", ["ETag"]),
    ...problems("name_taken"),
  },
});

const remove = createRoute({
  ...staffOnly,
  method: "delete",
  path: "/categories/{id}",
  permission: "catalog:write",
  needs: { session: "first_call" },
  summary: "Delete a category that no product is in",
  description: "Archived products count too: move them to another category first.",
  request: { params: id, headers: ifMatchHeader },
  responses: { 204: { description: "Deleted" }, ...problems("category_in_use") },
});

export const categoryRoutes = createRouter(
  endpoint(list, (c) => {
    const query = c.req.valid("query");
    return cached(c, { name: "categories", query }, () => listCategories(c.get("context"), query));
  }),
  endpoint(get, (c) => {
    const { id } = c.req.valid("param");
    const etag = ({ version }: Category) => etagOf(version);
    return cached(c, { name: "category", query: id, etag, missing: NOT_FOUND }, () =>
      getCategory(c.get("context"), id),
    );
  }),
  endpoint(create, async (c) => {
    return once(c, async (operation) => {
      const outcome = await createCategory(c.get("context"), operation, c.req.valid("json"));
      switch (outcome.kind) {
        case "created":
          return c.json(outcome.category, 201, { ETag: etagOf(outcome.category.version) });
        case "name_taken":
          return problem(c, NAME_TAKEN);
      }
    });
  }),
  endpoint(update, async (c) => {
    const allowed = allowedVersions(c.req.header("If-Match"));
    const outcome = await updateCategory(
      c.get("context"),
      c.req.valid("param").id,
      allowed,
      c.req.valid("json"),
    );
    switch (outcome.kind) {
      case "updated":
        return c.json(outcome.category, 200, { ETag: etagOf(outcome.category.version) });
      case "not_found":
        return problem(c, NOT_FOUND);
      case "stale":
        return problem(c, STALE);
      case "name_taken":
        return problem(c, NAME_TAKEN);
    }
  }),
  endpoint(remove, async (c) => {
    const allowed = allowedVersions(c.req.header("If-Match"));
    const outcome = await deleteCategory(c.get("context"), c.req.valid("param").id, allowed);
    switch (outcome.kind) {
      case "deleted":
        return c.body(null, 204);
      case "not_found":
        return problem(c, NOT_FOUND);
      case "stale":
        return problem(c, STALE);
      case "category_in_use":
        return problem(c, IN_USE);
    }
  }),
);
