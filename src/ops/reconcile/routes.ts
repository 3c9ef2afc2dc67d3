import { createRoute, endpoint, idempotencyHeader } from "../../platform/http/endpoint.ts";
import { type Problem, problem } from "../../platform/http/problem.ts";
import { createRouter, jsonContent, problems } from "../../platform/http/router.ts";
import { once } from "../../platform/idempotency.ts";
import { countOpen, isOpen } from "./drift.ts";
import { findUnknown, firstOfEach, reconcileFrom, reconcileProducts } from "./reconcile.ts";
import { type ReconcileRequest, reconcileSchema, reconciliationSchema } from "./schemas.ts";

const reconcile = createRoute({
  method: "post",
  path: "/inventory/reconcile",
  permission: "inventory:write",
  needs: { session: "first_call" },
  tags: ["Inventory"],
  summary: "Compare stock with its ledger, its orders and its lists; repair it when asked",
  description:
    "Of the named products, or of all of them in parts: send `next` as `after` to go on. What it cannot decide is left to a person.",
  request: {
    headers: idempotencyHeader,
    body: { required: false, content: { "application/json": { schema: reconcileSchema } } },
  },
  responses: {
    200: jsonContent(reconciliationSchema, "What was found, and repaired"),
    ...problems("unknown_product"),
  },
});

export const reconcileRoutes = createRouter(
  endpoint(reconcile, async (c) => {
    const context = c.get("context");
    // A request without a body skips the schema, and so its defaults.
    const { product_ids, repair, after }: Partial<ReconcileRequest> = c.req.valid("json");
    return once(c, async ({ id }) => {
      const options = { repair: repair ?? false, operation: `reconcile-${id}` };
      if (product_ids === undefined) return c.json(await reconcileFrom(context, after ?? "", options), 200);
      const wanted = [...new Set(product_ids)];
      const unknown = await findUnknown(context, wanted);
      if (unknown.length > 0) return problem(c, unknownProducts(product_ids, unknown));
      const drift = await reconcileProducts(context, wanted, options);
      const repaired = drift.filter((one) => !isOpen(one)).length;
      const named = firstOfEach(drift);
      return c.json(
        {
          ...{ checked: wanted.length, drift: named, drifts: drift.length, repaired },
          ...{ open: countOpen(drift), next: null },
        },
        200,
      );
    });
  }),
);

const unknownProducts = (given: string[], unknown: string[]): Problem => ({
  status: 422,
  code: "unknown_product",
  detail: "A product is not there.",
  errors: unknown.map((id) => ({
    field: `product_ids.${given.indexOf(id)}`,
    code: "unknown_product",
    message: "is not there",
    product_id: id,
  })),
});
