import { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import { CHALLENGE, requireUser, signedIn } from "../accounts/authenticate.ts";
import { answerPlacing } from "../orders/desk/answer-placing.ts";
import { cartSpent, GUESTS_OFF } from "../orders/problems.ts";
import { MAX_ITEMS, orderSchema } from "../orders/schemas.ts";
import type { AppEnv } from "../platform/http/app-env.ts";
import { createRoute, endpoint, idempotencyHeader } from "../platform/http/endpoint.ts";
import { allows, hasTag, ifMatchHeader, ifNoneMatchHeader, STALE } from "../platform/http/etag.ts";
import { notFound, type Problem, problem } from "../platform/http/problem.ts";
import {
  bearer,
  bearerOrGuest,
  createRouter,
  idParam,
  jsonBody,
  jsonContent,
  problems,
} from "../platform/http/router.ts";
import { fingerprintOf, readKey } from "../platform/idempotency.ts";
import { listQuerySchema } from "../platform/read-page.ts";
import type { ProblemCode } from "../problem-codes.ts";
import { type Cart, getCart, type Owner, ownerOf } from "./cart.ts";
import { draftOfCart } from "./checkout.ts";
import { createCart } from "./create.ts";
import { listCarts } from "./list.ts";
import { type PutOutcome, putItem } from "./put-item.ts";
import { type RemoveOutcome, removeItem } from "./remove-item.ts";
import { allowedCarts, cartTag, renderCart } from "./render.ts";
import { cartListSchema, cartSchema, checkoutSchema, putItemSchema } from "./schemas.ts";

const tags = ["Carts"];

const cartId = idParam("crt_01jcz4kq8rj2m5v0a7w9x3y6pd");
const itemName = cartId.extend({
  product_id: z
    .string()
    .openapi({ param: { name: "product_id", in: "path" }, example: "prd_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
});
const cartToken = z.object({
  "x-cart-token": z.string().optional().openapi({ description: "A guest's cart's token" }),
});

const create = createRoute({
  method: "post",
  path: "/carts",
  tags,
  summary: "Begin a cart",
  security: bearerOrGuest,
  description:
    "The signed-in user's, or a guest's with a token that is shown here only. One more harms nobody.",
  responses: { 201: jsonContent(cartSchema, "An empty cart", ["Location", "ETag"]) },
});

const list = createRoute({
  method: "get",
  path: "/carts",
  tags,
  summary: "List one's own carts",
  description: "Newest first. Those that were ordered are among them, with their order.",
  security: bearer,
  middleware: [requireUser] as const,
  request: { query: listQuerySchema },
  responses: { 200: jsonContent(cartListSchema, "A page of carts") },
});

const get = createRoute({
  method: "get",
  path: "/carts/{id}",
  tags,
  summary: "Read a cart",
  description: "With the prices of now, what they were when put, and what is free.",
  request: { params: cartId, headers: cartToken.extend(ifNoneMatchHeader.shape) },
  responses: {
    200: jsonContent(cartSchema, "The cart", ["ETag"]),
    304: { description: "Unchanged, prices and stock too" },
  },
});

const put = createRoute({
  method: "put",
  path: "/carts/{id}/items/{product_id}",
  tags,
  summary: "Set how much of a product is in a cart",
  description: "Takes note of its present price.",
  request: {
    params: itemName,
    headers: cartToken.extend(ifMatchHeader.shape),
    body: jsonBody(putItemSchema),
  },
  responses: {
    200: jsonContent(cartSchema, "The cart as it is now", ["ETag"]),
    ...problems("cart_spent", "unknown_product", "mixed_currencies", "too_many_items"),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/carts/{id}/items/{product_id}",
  tags,
  summary: "Take a product out of a cart",
  description: "The answer is the cart without it.",
  request: { params: itemName, headers: cartToken.extend(ifMatchHeader.shape) },
  responses: { 200: jsonContent(cartSchema, "The cart as it is now", ["ETag"]), ...problems("cart_spent") },
});

const checkout = createRoute({
  method: "post",
  path: "/carts/{id}/checkout",
  // Placing itself checks for a restore, in its first batch.
  needs: { whileRestoring: "let_through" },
  tags,
  summary: "Order what is in a cart",
  description:
    "As `POST /orders`, with what is in the cart as items. The cart is spent exactly while a living order of it exists: when that is cancelled or expires it can be ordered again. Without an Idempotency-Key the cart at its version stands for one.",
  request: {
    params: cartId,
    headers: cartToken.extend(idempotencyHeader.shape).extend(ifMatchHeader.shape),
    body: { required: false, content: { "application/json": { schema: checkoutSchema } } },
  },
  responses: {
    201: jsonContent(orderSchema, "Placed"),
    ...problems(
      "insufficient_stock",
      "price_changed",
      "unknown_product",
      "unknown_store",
      "customer_required",
      "mixed_currencies",
      "total_too_large",
      "unauthenticated",
      "overloaded",
      "try_again",
      "outcome_unknown",
      "selling_stopped",
      "restoring",
      "cart_empty",
      "cart_spent",
      "cart_changed",
    ),
  },
});

type CartContext = HonoContext<AppEnv>;

const owner = (c: CartContext): Promise<Owner> => ownerOf(c.get("context"), c.req.header("X-Cart-Token"));

const commandOf = async (c: CartContext, { id, product_id }: { id: string; product_id: string }) => ({
  cartId: id,
  productId: product_id,
  owner: await owner(c),
  versions: allowedCarts(c.req.header("If-Match")),
});

/** 404, also where the cart is another's. A guest is told what shows that it is theirs. */
function noSuchCart(c: CartContext): Problem {
  if (c.get("context").actor.kind !== "guest") return notFound("cart");
  const detail =
    c.req.header("X-Cart-Token") === undefined
      ? "There is no such cart for a guest without X-Cart-Token: send the token that came with the cart as this header, or sign in."
      : "There is no such cart for this X-Cart-Token: it is the token that came with the cart.";
  return { ...notFound("cart"), detail };
}

/** Renders a cart and sets its ETag on the response. */
async function tagged(c: CartContext, cart: Cart) {
  const wire = renderCart(cart, c.get("context").settings.CURRENCY);
  const tag = await cartTag(wire);
  c.header("ETag", tag);
  return { wire, tag };
}

async function changed(c: CartContext, outcome: PutOutcome | RemoveOutcome) {
  switch (outcome.kind) {
    case "changed":
    case "absent":
      return c.json((await tagged(c, outcome.cart)).wire, 200);
    case "not_found":
      return problem(c, noSuchCart(c));
    case "stale":
      return problem(c, STALE);
    case "spent":
      return problem(c, cartSpent(outcome.order));
    case "unknown_product":
      return problem(
        c,
        refused("unknown_product", "product_id", "The product is not there, or is archived."),
      );
    case "mixed_currencies":
      return problem(c, {
        ...refused("mixed_currencies", "product_id", "All items of a cart must have one currency."),
        currencies: outcome.currencies,
      });
    case "too_many":
      return problem(
        c,
        refused("too_many_items", "product_id", `A cart has at most ${MAX_ITEMS} different products.`),
      );
  }
}

const refused = (code: ProblemCode, field: string, detail: string): Problem => ({
  status: 422,
  code,
  detail,
  errors: [{ field, code, message: detail }],
});

export const cartsRoutes = createRouter(
  endpoint(create, async (c) => {
    const context = c.get("context");
    const { cart, token } = await createCart(context);
    const wire = renderCart(cart, context.settings.CURRENCY, token);
    c.header("Location", `/api/v1/carts/${cart.id}`);
    c.header("ETag", await cartTag(wire));
    return c.json(wire, 201);
  }),
  endpoint(list, async (c) =>
    c.json(await listCarts(c.get("context"), signedIn(c).userId, c.req.valid("query")), 200),
  ),
  endpoint(get, async (c) => {
    const cart = await getCart(c.get("context"), c.req.valid("param").id, await owner(c));
    if (!cart) return problem(c, noSuchCart(c));
    const { wire, tag } = await tagged(c, cart);
    return hasTag(c.req.header("If-None-Match") ?? "", tag) ? c.body(null, 304) : c.json(wire, 200);
  }),
  endpoint(put, async (c) => {
    const command = await commandOf(c, c.req.valid("param"));
    const { quantity } = c.req.valid("json");
    const context = c.get("context");
    const outcome =
      quantity === 0 ? await removeItem(context, command) : await putItem(context, command, quantity);
    return changed(c, outcome);
  }),
  endpoint(remove, async (c) => {
    const outcome = await removeItem(c.get("context"), await commandOf(c, c.req.valid("param")));
    if (outcome.kind === "absent") return problem(c, notFound("item"));
    return changed(c, outcome);
  }),
  endpoint(checkout, async (c) => {
    const context = c.get("context");
    if (context.actor.kind === "guest" && !context.settings.GUEST_CHECKOUT) {
      return problem(c, GUESTS_OFF, CHALLENGE);
    }
    const read = await readKey(c);
    if (read.kind === "malformed") return problem(c, read.problem);
    const draft = await draftOfCart(context, c.req.valid("param").id, await owner(c), {
      // An empty body gets the schema's defaults too.
      input: checkoutSchema.parse(c.req.valid("json") ?? {}),
      key: read.kind === "key" ? read.key : null,
      fingerprint: await fingerprintOf(c),
    });
    if (!draft?.cart) return problem(c, noSuchCart(c));
    if (!allows(allowedCarts(c.req.header("If-Match")), draft.cart.version)) return problem(c, STALE);
    return answerPlacing(c, draft);
  }),
);
