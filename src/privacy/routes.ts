import { checkPassword } from "../accounts/check-password.ts";
import { tooManyAtOnce, wrongPassword } from "../accounts/problems.ts";
import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { CHALLENGE_INVALID, INVALID_TOKEN, signedIn } from "../platform/http/permission-guard.ts";
import { notFound, type Problem, problem } from "../platform/http/problem.ts";
import { createRouter, idParam, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import { limitedProblem } from "../platform/rate-limit/limit.ts";
import { type EraseOutcome, eraseCustomer } from "./erase.ts";
import { exportOf } from "./export.ts";
import { deleteMeSchema, exportQuerySchema, exportSchema } from "./schemas.ts";

const WHAT_GOES =
  "The account, its address book, sessions and carts go; orders stay, without name, address, e-mail, phone and notes. " +
  "Only once each order has been sent, or is dead.";

const exportRoute = createRoute({
  method: "get",
  path: "/me/export",
  tags: ["Accounts"],
  permission: "account",
  summary: "What the shop holds of you",
  description: "Your orders a page at a time.",
  request: { query: exportQuerySchema },
  responses: { 200: jsonContent(exportSchema, "All of it, or the next orders") },
});

const leaveRoute = createRoute({
  method: "delete",
  path: "/me",
  tags: ["Accounts"],
  permission: "account",
  summary: "Delete your account",
  description: WHAT_GOES,
  request: { body: jsonBody(deleteMeSchema) },
  responses: {
    204: { description: "Deleted" },
    ...problems("wrong_password", "rate_limited", "orders_open", "not_a_customer"),
  },
});

const eraseRoute = createRoute({
  method: "delete",
  path: "/users/{id}",
  tags: ["Accounts"],
  permission: "users",
  summary: "Erase a customer",
  description: `For a customer who asks for it otherwise than by their account. ${WHAT_GOES}`,
  request: { params: idParam("usr_01jcz4kq8rj2m5v0a7w9x3y6pd") },
  responses: { 204: { description: "Erased" }, ...problems("orders_open", "not_a_customer") },
});

function refusedAs(outcome: Exclude<EraseOutcome, { kind: "erased" }>): Problem {
  switch (outcome.kind) {
    case "not_found":
      return notFound("user");
    case "not_a_customer":
      return {
        status: 409,
        code: "not_a_customer",
        detail: "This is one of the shop's people: an admin makes them a customer first.",
      };
    case "orders_open":
      return {
        status: 409,
        code: "orders_open",
        detail: "Orders are still on their way: they are sent, or cancelled, first.",
        orders: outcome.orders,
      };
  }
}

/** A customer's right to see what is held of them, and to be forgotten. */
export const privacyRoutes = createRouter(
  endpoint(exportRoute, async (c) => {
    const exported = await exportOf(c.get("context"), signedIn(c), c.req.valid("query").cursor);
    return exported ? c.json(exported, 200) : problem(c, INVALID_TOKEN, CHALLENGE_INVALID);
  }),
  endpoint(leaveRoute, async (c) => {
    const { userId } = signedIn(c);
    const checked = await checkPassword(c.get("context"), userId, c.req.valid("json").password);
    switch (checked.kind) {
      case "wrong_password":
        return problem(c, wrongPassword("password"));
      case "limited":
        return problem(c, limitedProblem(checked), checked.headers);
      case "too_many_at_once":
        return tooManyAtOnce(c, checked);
      case "gone":
        return problem(c, INVALID_TOKEN, CHALLENGE_INVALID);
      case "right": {
        const outcome = await eraseCustomer(c.get("context"), userId);
        return outcome.kind === "erased" ? c.body(null, 204) : problem(c, refusedAs(outcome));
      }
    }
  }),
  endpoint(eraseRoute, async (c) => {
    const outcome = await eraseCustomer(c.get("context"), c.req.valid("param").id);
    return outcome.kind === "erased" ? c.body(null, 204) : problem(c, refusedAs(outcome));
  }),
);
