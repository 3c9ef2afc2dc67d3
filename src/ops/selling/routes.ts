import { z } from "@hono/zod-openapi";
import { requireAdmin, requireStaff } from "../../accounts/authenticate.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { bearer, createRouter, jsonBody, jsonContent, problems } from "../../platform/http/router.ts";
import { readSelling, SELLING_STATES, type Selling, setSelling } from "./selling.ts";

const stateSchema = z.enum(SELLING_STATES);

const sellingSchema = z.object({ state: stateSchema, since: z.iso.datetime().nullable() }).openapi("Selling");

const about = { path: "/ops/selling" as const, tags: ["Operations"], security: bearer };

const read = createRoute({
  ...about,
  method: "get",
  summary: "Whether orders are taken",
  middleware: [requireStaff],
  responses: { 200: jsonContent(sellingSchema, "The state"), ...problems(401, 403) },
});

const set = createRoute({
  ...about,
  method: "post",
  // A restore ends with this call, so it must not be refused.
  needs: { whileRestoring: "let_through" },
  summary: "Stop selling, or go on",
  description:
    "While it is `stopped`, new orders are answered 503 `selling_stopped`. While it is `restoring`, all that writes is " +
    "answered 503 `restoring`, payment webhooks too, and no task or job runs: `npm run restore` sets it, and an admin " +
    "may end it by hand.",
  middleware: [requireAdmin],
  request: { body: jsonBody(z.object({ state: stateSchema }).strict()) },
  responses: { 200: jsonContent(sellingSchema, "The state"), ...problems(400, 401, 403, 422) },
});

const render = ({ state, since }: Selling) => ({ state, since: since === null ? null : isoTimestamp(since) });

export const sellingRoutes = createRouter(
  endpoint(read, async (c) => c.json(render(await readSelling(c.get("context"))), 200)),
  endpoint(set, async (c) =>
    c.json(render(await setSelling(c.get("context"), c.req.valid("json").state)), 200),
  ),
);
