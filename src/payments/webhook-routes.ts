import type { Context as HonoContext } from "hono";
import type { AppEnv } from "../platform/http/app-env.ts";
import { type Needs, withNeeds } from "../platform/http/needs.ts";
import { notFound, type Problem, problem } from "../platform/http/problem.ts";
import { RESTORING, RETRY_AFTER_RESTORE } from "../platform/http/restore-guard.ts";
import { createRouter, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import type { ProviderName } from "./provider.ts";
import { isProviderName, providerOf } from "./providers.ts";
import { receiveEvent } from "./receive-event.ts";
import {
  receivedSchema,
  standardEventSchema,
  standardHeadersSchema,
  stripeEventSchema,
  stripeHeadersSchema,
} from "./schemas.ts";

/** To be mounted apart from the other routes, because a provider has no token, and a limit of its own. */
export const paymentWebhookRoutes = createRouter();

const WEBHOOKS = {
  stripe: {
    summary: "Hear from Stripe",
    description: "Any event of Stripe's, signed by Stripe.",
    request: { headers: stripeHeadersSchema, body: jsonBody(stripeEventSchema) },
  },
  standard: {
    summary: "Hear from a payment provider",
    description: "Signed as Standard Webhooks has it.",
    request: { headers: standardHeadersSchema, body: jsonBody(standardEventSchema) },
  },
} satisfies Record<ProviderName, object>;

// This only describes the webhooks for OpenAPI; the route itself is below. A body that a route declares is parsed before
// its handler runs, but the signature is over the bytes.
for (const [provider, { summary, description, request }] of Object.entries(WEBHOOKS)) {
  paymentWebhookRoutes.openAPIRegistry.registerPath({
    method: "post",
    path: `/webhooks/payments/${provider}`,
    tags: ["Payments"],
    summary,
    description: `${description} Answers as soon as the event is stored; the same event again changes nothing. While the shop is being restored nothing is stored, and a 503 asks for it to be told again.`,
    request,
    responses: {
      200: jsonContent(
        receivedSchema,
        "Received, and worked off next; or told before; or none of our concern",
      ),
      202: jsonContent(receivedSchema, "Received; no order has this reference yet"),
      ...problems("bad_signature", "invalid_body", "rate_limited", "restoring"),
    },
  });
}

/**
 * Events are small, and the whole body is hashed before its sender is known, so the limit is low. The batch that stores an
 * event asks itself whether a backup is being restored.
 */
const SIGNED: Partial<Needs> = { signedBody: true, bodyLimit: 262_144, whileRestoring: "let_through" };

const receive = withNeeds(
  SIGNED,
  async (c: HonoContext<AppEnv, "/webhooks/payments/:provider">): Promise<Response> => {
    const name = c.req.param("provider");
    if (!isProviderName(name)) return problem(c, notFound("payment provider"));
    const context = c.get("context");
    const body = exactText(await c.req.arrayBuffer());
    // Providers sign text, so a body that is no text cannot have a right signature.
    if (body === null) return problem(c, BAD_SIGNATURE);
    const verified = await providerOf(context, name).verify(context, c.req.raw.headers, body);
    switch (verified.kind) {
      case "bad_signature":
        return problem(c, BAD_SIGNATURE);
      case "unreadable":
        return problem(c, unreadable(verified.errors));
      case "ignored":
        return c.json({ received: true as const }, 200);
      case "event": {
        const outcome = await receiveEvent(context, verified.event);
        if (outcome.kind === "restoring") return problem(c, RESTORING, RETRY_AFTER_RESTORE);
        if (outcome.kind === "duplicate")
          return c.json({ received: true as const, duplicate: true as const }, 200);
        if (!outcome.matched) return c.json({ received: true as const, matched: false as const }, 202);
        return c.json({ received: true as const }, 200);
      }
    }
  },
);

paymentWebhookRoutes.post("/webhooks/payments/:provider", receive);

/** The body's text, byte for byte: a byte order mark is kept. Null if it is not UTF-8. */
function exactText(bytes: ArrayBuffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

const BAD_SIGNATURE: Problem = {
  status: 401,
  code: "bad_signature",
  detail: "The signature is missing, wrong or too old.",
};

const unreadable = (errors: NonNullable<Problem["errors"]>): Problem => ({
  status: 422,
  code: "invalid_body",
  detail: "A field is wrong.",
  errors,
});
