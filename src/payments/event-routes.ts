import type { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import type { Context } from "../platform/context.ts";
import type { AppEnv } from "../platform/http/app-env.ts";
import { createRoute, endpoint, idempotencyHeader } from "../platform/http/endpoint.ts";
import { notFound, type Problem, problem } from "../platform/http/problem.ts";
import { createRouter, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import { once } from "../platform/idempotency.ts";
import { giveBackEvent } from "./give-back-event.ts";
import { listEvents, readEvent } from "./list-events.ts";
import { CONTENDED, conflict, wrongField } from "./problems.ts";
import {
  eventListQuerySchema,
  eventNameSchema,
  giveBackSchema,
  matchEventSchema,
  type PaymentEventWire,
  paymentEventListSchema,
  paymentEventSchema,
} from "./schemas.ts";
import { type SettleAgainOutcome, settleAgain } from "./settle-again.ts";

const staffOnly = { tags: ["Payments"] };

const listRoute = createRoute({
  ...staffOnly,
  method: "get",
  path: "/payments/events",
  permission: "payments:read",
  summary: "List what payment providers told",
  description: "Newest first. `flagged` and `unmatched` wait for a person.",
  request: { query: eventListQuerySchema },
  responses: { 200: jsonContent(paymentEventListSchema, "A page of events") },
});

const list = endpoint(listRoute, async (c) =>
  c.json(await listEvents(c.get("context"), c.req.valid("query")), 200),
);

const matchRoute = createRoute({
  ...staffOnly,
  method: "post",
  path: "/payments/events/{provider}/{event_id}/match",
  permission: "payments:write",
  needs: { session: "first_call" },
  summary: "Say which order a payment event means",
  description:
    "Of an event that waits for staff: one that no order was known for, or that did not fit its order. It is worked off again, as any other of that order.",
  request: { params: eventNameSchema, headers: idempotencyHeader, body: jsonBody(matchEventSchema) },
  responses: {
    200: jsonContent(paymentEventSchema, "Matched, and owed"),
    ...problems("event_not_flagged"),
  },
});

const match = endpoint(matchRoute, (c) => answerAgain(c, c.req.valid("param"), c.req.valid("json").order));

const retryRoute = createRoute({
  ...staffOnly,
  method: "post",
  path: "/payments/events/{provider}/{event_id}/retry",
  permission: "payments:write",
  needs: { session: "first_call" },
  summary: "Have a payment event looked at again",
  description:
    "Of an event that waits for staff. It is worked off again by what is known now: about the order that it has, or the one that its payment is of by now.",
  request: { params: eventNameSchema, headers: idempotencyHeader },
  responses: {
    200: jsonContent(paymentEventSchema, "Owed again"),
    ...problems("event_not_flagged"),
  },
});

const retry = endpoint(retryRoute, (c) => answerAgain(c, c.req.valid("param"), null));

/** @param order an id or a reference; null for the order that the event has */
function answerAgain(
  c: HonoContext<AppEnv>,
  { provider, event_id: eventId }: z.infer<typeof eventNameSchema>,
  order: string | null,
) {
  const context = c.get("context");
  return once(c, async (operation) => {
    const outcome = await settleAgain(context, { provider, eventId }, { operation, order });
    if (outcome.kind !== "owed_again") return problem(c, refusalOf(outcome));
    return c.json(outcome.event ?? (await eventNow(context, provider, eventId)), 200);
  });
}

function refusalOf(outcome: Exclude<SettleAgainOutcome, { kind: "owed_again" }>): Problem {
  switch (outcome.kind) {
    case "unknown":
      return notFound("payment event");
    case "unknown_order":
      return UNKNOWN_ORDER;
    case "not_with_staff":
      return conflict("event_not_flagged", "It does not wait for staff.", { state: outcome.state });
  }
}

const giveBackRoute = createRoute({
  ...staffOnly,
  method: "post",
  path: "/payments/events/{provider}/{event_id}/give-back",
  permission: "payments:write",
  needs: { session: "first_call" },
  summary: "Give back what a flagged payment took",
  description:
    "All of it, to whoever paid. It never counts for the order. The provider is asked after the answer.",
  request: {
    params: eventNameSchema,
    headers: idempotencyHeader,
    body: { required: false, content: { "application/json": { schema: giveBackSchema } } },
  },
  responses: {
    200: jsonContent(paymentEventSchema, "Due back"),
    ...problems("event_not_flagged", "nothing_to_give_back", "try_again"),
  },
});

const giveBack = endpoint(giveBackRoute, async (c) => {
  const { provider, event_id: eventId } = c.req.valid("param");
  const reason = c.req.valid("json")?.reason ?? null;
  const context = c.get("context");
  return once(c, async (operation) => {
    const outcome = await giveBackEvent(context, { provider, eventId }, { operation, reason });
    switch (outcome.kind) {
      case "given_back":
        return c.json(outcome.event ?? (await eventNow(context, provider, eventId)), 200);
      case "unknown":
        return problem(c, notFound("payment event"));
      case "not_flagged":
        return problem(c, conflict("event_not_flagged", "It is not flagged.", { state: outcome.state }));
      case "nothing_taken":
        return problem(c, NOTHING_TAKEN);
      case "contended":
        return problem(c, CONTENDED, { "Retry-After": "1" });
    }
  });
});

export const paymentEventRoutes = createRouter(list, match, retry, giveBack);

/** The event as it is now, for a repeat of the command that changed it. */
async function eventNow(context: Context, provider: string, eventId: string): Promise<PaymentEventWire> {
  const event = await readEvent(context, provider, eventId);
  if (!event) throw new Error("a payment event is gone after its change");
  return event;
}

const UNKNOWN_ORDER = wrongField("order", "unknown_order", "is no order's id or reference");

const NOTHING_TAKEN = conflict("nothing_to_give_back", "Nothing was taken by this event that could go back.");
