import { env, exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { signVerifyToken } from "../../src/accounts/verify-token.ts";
import { guestContext, resetTokenOf } from "../accounts/ask.ts";
import { owe } from "../events/rows.ts";
import { givenDead } from "../ops/tasks/given.ts";
import { givenWorld, type World } from "../security/routes.ts";
import { type ApiDocument, operationsOf, replyOf } from "../support/contract.ts";
import { exampleRequest, ID, shortName } from "../support/examples.ts";
import { faultsOf } from "../support/fits-schema.ts";
import { basket, placed, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";

const describeApi = async (): Promise<ApiDocument> =>
  (await exports.default.fetch("http://shop.test/openapi.json")).json();

const JSON_TYPE = { "content-type": "application/json" };

/** What an operation finds, where that is not what the others find. */
interface Scene {
  /** What stands in its example, and what is sent for it. */
  ids?: Record<string, string>;
  headers?: Record<string, string>;
}

const ordered = async (world: World, method: string) =>
  (
    await placed(
      await post(
        "/orders",
        basket({ [world.productId]: 2 }, { payment_method: method }),
        world.admin.headers,
      ),
    )
  ).id;

interface Registered {
  user: { id: string; email: string };
  access_token: string;
  refresh_token: string;
}

const registered = async () => {
  const account = { email: "ada@shop.example", password: "correct horse battery", name: "Ada" };
  return (await post("/auth/register", account)).json<Registered>();
};

const TASK = `wrk_${ID}`;
const dead = async (): Promise<Scene> => {
  await givenDead({ id: TASK });
  return {};
};

/** As the customer, whose the cart is. */
const asCustomer = async ({ customer }: World): Promise<Scene> => ({ headers: customer.headers });
const restoring = async ({ admin }: World): Promise<Scene> => {
  await post("/ops/selling", { state: "restoring" }, admin.headers);
  return {};
};
const emptied = async (world: World): Promise<Scene> => {
  await restoring(world);
  const emptying = { generation: 1, product_ids: [world.productId] };
  await post("/ops/backup/empty-stock", emptying, world.admin.headers);
  return {};
};
const shipped =
  (units: number) =>
  async ({ productId, soldId, staff }: World): Promise<Scene> => {
    const items = [{ product_id: productId, quantity: units }];
    await post(`/orders/${soldId}/shipments`, { items }, staff.headers);
    return { ids: { [`ord_${ID}`]: soldId } };
  };

const keyed = async ({ admin }: World): Promise<Scene> => {
  const made = await post("/api-keys", { name: "Scanner", scopes: ["ops"] }, admin.headers);
  return { ids: { [`key_${ID}`]: (await made.json<{ id: string }>()).id } };
};

/** Those before which something must happen. Each has a shop of its own. */
const SCENES: Record<string, (world: World) => Promise<Scene>> = {
  "post /auth/refresh": async () => ({ ids: { [`ses_${ID}.c2VjcmV0`]: (await registered()).refresh_token } }),
  "post /auth/token": async () => {
    await registered();
    return {};
  },
  "post /auth/password-reset": async () => ({}),
  "post /auth/password-reset/confirm": async () => {
    await registered();
    return { ids: { TOKEN_OF_A_MAIL: await resetTokenOf("ada@shop.example") } };
  },
  "post /auth/verify-email": async () => {
    const { user } = await registered();
    return { ids: { TOKEN_OF_A_MAIL: (await signVerifyToken(guestContext(), user)) ?? "" } };
  },
  "post /me/password": async () => ({
    headers: { Authorization: `Bearer ${(await registered()).access_token}` },
  }),
  "delete /me/sessions": asCustomer,
  "delete /me/sessions/{id}": async ({ customer }) => {
    const own = env.DB.prepare("SELECT id FROM sessions WHERE user_id = ?").bind(customer.id);
    return { headers: customer.headers, ids: { [`ses_${ID}`]: (await own.first<string>("id")) ?? "" } };
  },
  "delete /me": async () => ({
    headers: { Authorization: `Bearer ${(await registered()).access_token}` },
  }),
  "delete /users/{id}": async () => ({
    ids: { [`usr_${ID}`]: (await signIn()).id },
  }),
  "get /me/addresses/{id}": asCustomer,
  "patch /me/addresses/{id}": asCustomer,
  "delete /me/addresses/{id}": asCustomer,
  "patch /users/{id}": async () => ({}),
  "get /api-keys/{id}": keyed,
  "delete /api-keys/{id}": keyed,
  "patch /categories/{id}": async () => ({ ids: { Books: "Other books" } }),
  "delete /categories/{id}": async ({ staff }) => {
    const { id } = await (await post("/categories", { name: "Empty" }, staff.headers)).json<{ id: string }>();
    return { ids: { [`cat_${ID}`]: id } };
  },
  "patch /stores/{id}": async () => ({ ids: { Amsterdam: "Rotterdam" } }),
  "patch /products/{id}": async () => ({ ids: { "MUG-BLUE": "MUG-GREEN" } }),
  "delete /products/{id}": async () => ({}),
  "get /carts/{id}": asCustomer,
  "post /carts/{id}/items": asCustomer,
  "put /carts/{id}/items/{product_id}": asCustomer,
  "delete /carts/{id}/items/{product_id}": asCustomer,
  "post /carts/{id}/checkout": async (world) => {
    await exports.default.fetch(`http://shop.test/api/v1/carts/${world.cartId}/items/${world.productId}`, {
      method: "PUT",
      headers: { ...world.customer.headers, ...JSON_TYPE },
      body: JSON.stringify({ quantity: 2 }),
    });
    return asCustomer(world);
  },
  "post /orders/{id}/cancel": async () => ({}),
  "post /orders/{id}/payments": async (world) => ({ ids: { [`ord_${ID}`]: await ordered(world, "card") } }),
  "post /orders/{id}/transitions": async () => ({}),
  "post /orders/{id}/shipments": async ({ soldId }) => ({ ids: { [`ord_${ID}`]: soldId } }),
  "post /orders/{id}/close": shipped(1),
  "post /orders/{id}/returns": shipped(2),
  "post /payments/events/{provider}/{event_id}/match": async ({ unmatchedId }) => ({
    ids: { evt_1: unmatchedId },
  }),
  "post /payments/events/{provider}/{event_id}/retry": async () => ({}),
  "post /payments/events/{provider}/{event_id}/give-back": async () => ({}),
  "post /dead-letters/{id}/retry": dead,
  "delete /dead-letters/{id}": dead,
  "delete /tasks/{id}": async () => {
    const payload = { template: "order_confirmation", order_id: "ord_gone" };
    await owe({ id: TASK, task: "email", payload });
    return {};
  },
  "post /ops/selling": async () => ({}),
  "post /ops/backup/tables/{name}": restoring,
  "post /ops/backup/empty-stock": restoring,
  "post /ops/backup/stock": emptied,
  "post /ops/backup/stock/{product_id}": emptied,
  "post /ops/backup/token": restoring,
  "post /ops/backup/proof": restoring,
  "post /ops/backup/finish": restoring,
};

/** What an example is answered where that is no success, and why. */
const REFUSED: Record<string, string> = {
  // Only the provider can sign what it tells: test/payments sends each kind of event, signed.
  "post /webhooks/payments/stripe": "401 bad_signature",
  "post /webhooks/payments/standard": "401 bad_signature",
  // Only the token of a mail's link opens it: test/notifications/order-mails.test.ts follows one.
  "get /orders/{id}/page": "404 a page",
};

// The answers themselves are held to the document by the Worker of the tests (test/support/hold-to-document.ts).
test("the example of each operation that needs no scene is sent, and answered as it says", async () => {
  const document = await describeApi();
  const world = await givenWorld();
  const outcomes: string[] = [];
  for (const one of operationsOf(document)) {
    const name = shortName(one);
    if (SCENES[name]) continue;
    const outcome = await sendExample(one, world, {});
    if (outcome !== (REFUSED[name] ?? "done")) outcomes.push(`${name}: ${outcome}`);
  }
  expect(outcomes).toEqual([]);
});

test.each(Object.entries(SCENES))(
  "the example of %s is sent, and answered as it says",
  async (name, scene) => {
    const operation = operationsOf(await describeApi()).find((one) => shortName(one) === name);
    if (!operation) throw new Error("there is no such operation any more");
    const world = await givenWorld();
    expect(await sendExample(operation, world, await scene(world))).toBe("done");
  },
);

type Named = ReturnType<typeof operationsOf>[number];

async function sendExample(operation: Named, world: World, { ids, headers }: Scene): Promise<string> {
  const { url, method, body } = exampleRequest(operation, world, ids);
  const answer = await exports.default.fetch(url, {
    method,
    headers: { ...(headers ?? world.admin.headers), ...(body === undefined ? {} : JSON_TYPE) },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  if (answer.status < 300) return "done";
  const isPage = answer.headers.get("content-type")?.startsWith("text/html");
  return `${answer.status} ${isPage ? "a page" : JSON.parse(text).code}`;
}

test("each example fits its schema, and has every field of it", async () => {
  const document = await describeApi();
  const { schemas } = document.components;
  const faults = operationsOf(document).flatMap(({ name, operation }) => {
    const contents = [
      ["request", operation.requestBody?.content] as const,
      ...Object.keys(operation.responses).map(
        (status) => [status, replyOf(document, operation, status)?.content] as const,
      ),
    ];
    return contents.flatMap(([what, content]) =>
      Object.values(content ?? {}).flatMap(({ schema, example, examples }) => {
        if (example === undefined && !examples) return [`${name} ${what}: no example`];
        if (example === undefined) return [];
        const unsaid = JSON.stringify(example).includes('"…"')
          ? [`${name} ${what}: a field without an example`]
          : [];
        return [...unsaid, ...faultsOf(schema, example, schemas).map((fault) => `${name} ${what}: ${fault}`)];
      }),
    );
  });
  expect(faults).toEqual([]);
});
