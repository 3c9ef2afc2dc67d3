import { z } from "@hono/zod-openapi";
import { isoTimestamp } from "../../platform/clock.ts";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { problem } from "../../platform/http/problem.ts";
import { createRouter, jsonBody, jsonContent, problems } from "../../platform/http/router.ts";
import { RESTORE_REFUSALS, UNNAMED_RESTORE } from "./problems.ts";
import { readSelling, SELLING_STATES, type Selling, setSelling } from "./selling.ts";

const stateSchema = z.enum(SELLING_STATES);

const sellingSchema = z
  .object({
    state: stateSchema,
    since: z.iso.datetime().nullable(),
    generation: z.int().openapi({ description: "How many restores have begun" }),
  })
  .openapi("Selling");

const setSchema = z
  .strictObject({
    state: stateSchema,
    generation: z.int().min(0).optional().openapi({
      description: "Refused where `generation` is another by now. To end a restore it is needed",
    }),
  })
  .openapi({ example: { state: "stopped" } });

const about = { path: "/ops/selling" as const, tags: ["Operations"] };

const read = createRoute({
  ...about,
  method: "get",
  permission: "ops",
  summary: "Whether orders are taken",
  description: "And which restore is under way, by its generation.",
  responses: { 200: jsonContent(sellingSchema, "The state") },
});

const set = createRoute({
  ...about,
  method: "post",
  permission: "shop",
  // A restore ends with this call, so it must not be refused.
  needs: { whileRestoring: "let_through" },
  summary: "Stop selling, or go on",
  description:
    "While it is `stopped`, new orders are answered 503 `selling_stopped`. While it is `restoring`, all that writes is " +
    "answered 503 `restoring`, payment webhooks too, and no task or job runs. `npm run restore` sets it: each time it " +
    "raises `generation`, which all other calls of that restore carry. An admin may end it by hand, by naming that " +
    "`generation`; stock that was emptied by then stays closed until a restore has ended.",
  request: { body: jsonBody(setSchema) },
  responses: {
    200: jsonContent(sellingSchema, "The state"),
    ...problems("restore_under_way", "restore_superseded", "not_restoring"),
  },
});

const render = ({ since, ...selling }: Selling) => ({
  ...selling,
  since: since === null ? null : isoTimestamp(since),
});

export const sellingRoutes = createRouter(
  endpoint(read, async (c) => c.json(render(await readSelling(c.get("context"))), 200)),
  endpoint(set, async (c) => {
    const { state, generation = null } = c.req.valid("json");
    const outcome = await setSelling(c.get("context"), state, generation);
    switch (outcome.kind) {
      case "set":
        return c.json(render(outcome.selling), 200);
      case "unnamed":
        return problem(c, UNNAMED_RESTORE);
      case "not_restoring":
      case "superseded":
        return problem(c, RESTORE_REFUSALS[outcome.kind]);
    }
  }),
);
