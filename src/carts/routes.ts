import { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import { answerPlacing } from "../orders/desk/answer-placing.ts";
import { isStranger } from "../orders/place/is-stranger.ts";
import { cartSpent, GUESTS_OFF, PLACING_CODES } from "../orders/problems.ts";
import { MAX_ITEMS, orderSchema } from "../orders/schemas.ts";
import type { AppEnv } from "../platform/http/app-env.ts";
import { createRoute, endpoint, idempotencyHeader } from "../platform/http/endpoint.ts";
import {
  allowedVersions,
  allows,
  ifMatchHeader,
  ifNoneMatchHeader,
  STALE,
  tagPage,
} from "../platform/http/etag.ts";
import { CHALLENGE, signedIn } from "../platform/http/permission-guard.ts";
import { notFound, type Problem, problem } from "../platform/http/problem.ts";
import {
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
import { type CartCommand, type PutOutcome, putItems } from "./put-items.ts";
import { renderCart } from "./render.ts";
import { cartListSchema, cartSchema, checkoutSchema, putItemSchema, putItemsSchema } from "./schemas.ts";

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

/** Who was signed out a moment ago may still fill their cart: they order nothing. */
const BY_TOKEN = { session: "never" as const };

const create = createRoute({
  method: "post",
  path: "/carts",
  permission: null,
  needs: BY_TOKEN,
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
  permission: "account",
  needs: BY_TOKEN,
  tags,
  summary: "List one's own carts",
  description: "Newest first. Those that were ordered are among them, with their order.",
  request: { query: listQuerySchema },
  responses: { 200: jsonContent(cartListSchema, "A page of carts") },
});

const get = createRoute({
  method: "get",
  path: "/carts/{id}",
  permission: null,
  tags,
  summary: "Read a cart",
  description: "With the prices of now, what they were when put, and what is free.",
  request: { params: cartId, headers: cartToken.extend(ifNoneMatchHeader.shape) },
  responses: {
    200: jsonContent(cartSchema, "The cart", ["ETag"]),
    304: { description: "Unchanged, prices and stock too" },
  },
});

const putAnswers = {
  200: jsonContent(cartSchema, "The cart as it is now", ["ETag"]),
  ...problems("cart_spent", "unknown_product", "mixed_currencies", "too_many_items"),
};

const put = createRoute({
  method: "put",
  path: "/carts/{id}/items/{product_id}",
  permission: null,
  needs: BY_TOKEN,
  tags,
  summary: "Set how much of a product is in a cart",
  description: "Takes note of its present price.",
  request: {
    params: itemName,
    headers: cartToken.extend(ifMatchHeader.shape),
    body: jsonBody(putItemSchema),
  },
  responses: putAnswers,
});

const putMany = createRoute({
  method: "post",
  path: "/carts/{id}/items",
  permission: null,
  needs: BY_TOKEN,
  tags,
  summary: "Set how much of several products is in a cart",
  description:
    "As `PUT …/items/{product_id}` for each, all or none, and one version of the cart. What is not named stays. Sent again it changes nothing more. The list alone is taken for `items`.",
  request: {
    params: cartId,
    headers: cartToken.extend(ifMatchHeader.shape),
    body: jsonBody(putItemsSchema),
  },
  responses: putAnswers,
});

const remove = createRoute({
  method: "delete",
  path: "/carts/{id}/items/{product_id}",
  permission: null,
  needs: BY_TOKEN,
  tags,
  summary: "Take a product out of a cart",
  description: "The answer is the cart without it.",
  request: { params: itemName, headers: cartToken.extend(ifMatchHeader.shape) },
  responses: { 200: jsonContent(cartSchema, "The cart as it is now", ["ETag"]), ...problems("cart_spent") },
});

const checkout = createRoute({
  method: "post",
  path: "/carts/{id}/checkout",
  permission: null,
  // Placing looks at both by itself, in its first batch.
  needs: { whileRestoring: "let_through", session: "by_handler" },
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
    ...problems(...PLACING_CODES, "cart_empty", "cart_spent", "cart_changed"),
  },
});

type CartContext = HonoContext<AppEnv>;

const owner = (c: CartContext): Promise<Owner> => ownerOf(c.get("context"), c.req.header("X-Cart-Token"));

const commandOf = async (c: CartContext, id: string): Promise<CartCommand> => ({
  cartId: id,
  owner: await owner(c),
  versions: allowedVersions(c.req.header("If-Match")),
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

const render = (c: CartContext, cart: Cart) => renderCart(cart, c.get("context").settings.CURRENCY);

/** @param fieldOf the field of the request in which the item stands that has this place in the list */
async function changed(c: CartContext, outcome: PutOutcome, fieldOf: (at: number) => string) {
  const refused = (code: ProblemCode, { at }: { at: number[] }, detail: string): Problem => ({
    status: 422,
    code,
    detail,
    errors: at.map((index) => ({ field: fieldOf(index), code, message: detail })),
  });
  switch (outcome.kind) {
    case "changed":
    case "absent": {
      const wire = render(c, outcome.cart);
      await tagPage(c, wire);
      return c.json(wire, 200);
    }
    case "not_found":
      return problem(c, noSuchCart(c));
    case "stale":
      return problem(c, STALE);
    case "spent":
      return problem(c, cartSpent(outcome.order));
    case "unknown_product":
      return problem(c, refused("unknown_product", outcome, "The product is not there, or is archived."));
    case "mixed_currencies":
      return problem(c, {
        ...refused("mixed_currencies", outcome, "All items of a cart must have one currency."),
        currencies: outcome.currencies,
      });
    case "too_many":
      return problem(
        c,
        refused("too_many_items", outcome, `A cart has at most ${MAX_ITEMS} different products.`),
      );
  }
}

const inPath = () => "product_id";

export const cartsRoutes = createRouter(
  endpoint(create, async (c) => {
    const context = c.get("context");
    const { cart, token } = await createCart(context);
    const wire = renderCart(cart, context.settings.CURRENCY, token);
    c.header("Location", `/api/v1/carts/${cart.id}`);
    await tagPage(c, wire);
    return c.json(wire, 201);
  }),
  endpoint(list, async (c) =>
    c.json(await listCarts(c.get("context"), signedIn(c).userId, c.req.valid("query")), 200),
  ),
  endpoint(get, async (c) => {
    const cart = await getCart(c.get("context"), c.req.valid("param").id, await owner(c));
    if (!cart) return problem(c, noSuchCart(c));
    const wire = render(c, cart);
    return (await tagPage(c, wire)) ? c.body(null, 304) : c.json(wire, 200);
  }),
  endpoint(put, async (c) => {
    const { id, product_id } = c.req.valid("param");
    const { quantity } = c.req.valid("json");
    const command = await commandOf(c, id);
    return changed(c, await putItems(c.get("context"), command, [{ product_id, quantity }]), inPath);
  }),
  endpoint(putMany, async (c) => {
    const command = await commandOf(c, c.req.valid("param").id);
    const outcome = await putItems(c.get("context"), command, c.req.valid("json").items);
    return changed(c, outcome, (at) => `items.${at}.product_id`);
  }),
  endpoint(remove, async (c) => {
    const { id, product_id } = c.req.valid("param");
    const command = await commandOf(c, id);
    const outcome = await putItems(c.get("context"), command, [{ product_id, quantity: 0 }]);
    if (outcome.kind === "absent") return problem(c, notFound("item"));
    return changed(c, outcome, inPath);
  }),
  endpoint(checkout, async (c) => {
    const context = c.get("context");
    if (isStranger(context.actor) && !context.settings.GUEST_CHECKOUT) {
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
    if (!allows(allowedVersions(c.req.header("If-Match")), draft.cart.version)) return problem(c, STALE);
    return answerPlacing(c, draft);
  }),
);
