import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";

/** What the document says of the webhooks: who reads it writes the other side. */

interface Schema {
  type?: string | string[];
  $ref?: string;
  enum?: string[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: unknown;
}

interface Operation {
  operationId: string;
  parameters: { in: string; name: string; required?: boolean; schema: Schema }[];
  requestBody: { required: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, Reply>;
}

interface Reply {
  $ref?: string;
  content: Record<string, { schema: Schema }>;
}

async function describe() {
  const response = await exports.default.fetch("http://shop.test/openapi.json");
  const document = await response.json<{
    paths: Record<string, { post: Operation }>;
    components: { schemas: Record<string, Schema>; responses: Record<string, Reply> };
  }>();
  const operation = (provider: string) => document.paths[`/api/v1/webhooks/payments/${provider}`]?.post;
  return { document, operation, schemas: document.components.schemas };
}

test.each([
  ["stripe", ["Stripe-Signature"], "StripeEvent", "postWebhooksPaymentsStripe"],
  [
    "standard",
    ["webhook-id", "webhook-timestamp", "webhook-signature"],
    "StandardPaymentEvent",
    "postWebhooksPaymentsStandard",
  ],
])("%s: its headers, its body and every answer", async (provider, headers, schema, id) => {
  const { document, operation: find } = await describe();
  const operation = find(provider);
  expect(operation?.operationId).toBe(id);
  expect(operation?.parameters.map(({ in: where, name, required }) => [where, name, required])).toEqual(
    headers.map((name) => ["header", name, true]),
  );
  expect(operation?.requestBody).toMatchObject({
    required: true,
    content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } },
  });
  expect(
    Object.entries(operation?.responses ?? {}).map(([status, reply]) => [
      status,
      // What several operations answer alike stands once.
      ...Object.keys((document.components.responses[reply.$ref?.split("/").at(-1) ?? ""] ?? reply).content),
    ]),
  ).toEqual([
    ["200", "application/json"],
    ["202", "application/json"],
    ["401", "application/problem+json"],
    ["413", "application/problem+json"],
    ["422", "application/problem+json"],
    ["429", "application/problem+json"],
    ["503", "application/problem+json"],
    ["default", "application/problem+json"],
  ]);
});

test("each is described once, and nothing else under that path", async () => {
  const { document } = await describe();
  expect(
    Object.keys(document.paths)
      .filter((path) => path.includes("/webhooks/"))
      .sort(),
  ).toEqual(["/api/v1/webhooks/payments/standard", "/api/v1/webhooks/payments/stripe"]);
});

test("Stripe's event is open; the standard one is what is read", async () => {
  const { schemas } = await describe();
  expect(schemas.StripeEvent).toMatchObject({
    type: "object",
    required: ["id", "type", "data"],
    additionalProperties: {},
    properties: {
      data: { required: ["object"], properties: { object: { type: "object", additionalProperties: {} } } },
    },
  });
  const event = schemas.StandardPaymentEvent;
  expect(event?.required).toEqual(["event_id", "reference", "status", "amount"]);
  expect(event?.properties).toMatchObject({
    event_id: { type: "string", minLength: 1, maxLength: 255 },
    reference: { type: "string", minLength: 1, maxLength: 64 },
    status: { type: "string", enum: ["success", "failed", "refunded", "refund_failed"] },
    amount: { type: "integer", minimum: 0 },
    currency: { type: ["string", "null"], pattern: "^[A-Za-z]{3}$" },
    refund_id: { type: ["string", "null"], minLength: 1, maxLength: 64 },
  });
});
