import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { problem } from "../../platform/http/problem.ts";
import { createRouter, jsonBody, problems } from "../../platform/http/router.ts";
import { limitedProblem, takeFromAll } from "../../platform/rate-limit/limit.ts";
import { lookupLimits } from "../../platform/rate-limit/lookup-limits.ts";
import { lookUpOrderSchema } from "../schemas.ts";
import { sendLink } from "./send-link.ts";

const lookUpRoute = createRoute({
  method: "post",
  path: "/orders/lookup",
  permission: null,
  tags: ["Orders"],
  summary: "Have the link to an order sent by mail",
  description:
    "For a customer who has no link any more. Where an order has this reference and e-mail address, a mail with its link " +
    "goes to that address. The answer is the same whether or not there is one.",
  request: { body: jsonBody(lookUpOrderSchema) },
  responses: { 202: { description: "Taken" }, ...problems("rate_limited") },
});

const lookUp = endpoint(lookUpRoute, async (c) => {
  const context = c.get("context");
  const asked = c.req.valid("json");
  const limited = await takeFromAll(context, lookupLimits(context, asked.email));
  if (limited.kind === "limited") return problem(c, limitedProblem(limited), limited.headers);
  await sendLink(context, asked);
  return c.body(null, 202, limited.headers);
});

/** How a customer finds an order without being signed in. */
export const linkRoutes = createRouter(lookUp);
