import { env, exports } from "cloudflare:workers";
import type { CartWire } from "../../src/carts/schemas.ts";
import { type Answer, answerOf } from "../orders/ask.ts";

export const ask = (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  answerOf(
    exports.default.fetch(`http://shop.test/api/v1${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );

/** A cart with how to open it. */
export interface GivenCart {
  id: string;
  path: string;
  /** Its guest's, or none. */
  token: string | undefined;
  headers: Record<string, string>;
  /** Of the last change of it here. */
  cart: CartWire;
}

/** A guest's cart, or a user's by their headers, with so much of each product. */
export async function givenCart(
  quantities: Record<string, number> = {},
  headers: Record<string, string> = {},
): Promise<GivenCart> {
  const made = await ask("POST", "/carts", undefined, headers);
  if (made.status !== 201) throw new Error(`no cart: ${made.text}`);
  const { id, token }: { id: string; token?: string } = made.body;
  const given = {
    ...{ id, token, path: `/carts/${id}` },
    headers: token === undefined ? headers : { "X-Cart-Token": token },
    cart: made.body as unknown as CartWire,
  };
  for (const [productId, quantity] of Object.entries(quantities)) {
    const put = await putItem(given, productId, quantity);
    if (put.status !== 200) throw new Error(`not put: ${put.text}`);
    given.cart = put.body as unknown as CartWire;
  }
  return given;
}

type Opened = Pick<GivenCart, "path" | "headers">;

export const read = ({ path, headers }: Opened, more: Record<string, string> = {}): Promise<Answer> =>
  ask("GET", path, undefined, { ...headers, ...more });

export const putItem = (
  { path, headers }: Opened,
  productId: string,
  quantity: unknown,
  more: Record<string, string> = {},
): Promise<Answer> => ask("PUT", `${path}/items/${productId}`, { quantity }, { ...headers, ...more });

export const putItems = (
  { path, headers }: Opened,
  items: unknown,
  more: Record<string, string> = {},
): Promise<Answer> => ask("POST", `${path}/items`, items, { ...headers, ...more });

export const removeItem = (
  { path, headers }: Opened,
  productId: string,
  more: Record<string, string> = {},
): Promise<Answer> => ask("DELETE", `${path}/items/${productId}`, undefined, { ...headers, ...more });

/** What a guest sends to order a cart: paid by invoice, so it is confirmed at once. */
export const BUYER = { customer: { name: "Ada", email: "ada@shop.example" }, payment_method: "invoice" };
export const BY_CARD = { ...BUYER, payment_method: "card" };

export const checkout = (
  { path, headers }: Opened,
  body: unknown = BUYER,
  more: Record<string, string> = {},
): Promise<Answer> => ask("POST", `${path}/checkout`, body, { ...headers, ...more });

export async function rows<T = Record<string, unknown>>(sql: string, ...given: unknown[]): Promise<T[]> {
  return (
    await env.DB.prepare(sql)
      .bind(...given)
      .all<T>()
  ).results;
}

/** The statuses of a cart's orders, in the order in which they were recorded. */
export const ordersOf = async (cartId: string): Promise<unknown[]> =>
  (await rows("SELECT status FROM orders WHERE cart_id = ?1 ORDER BY rowid", cartId)).map(
    ({ status }) => status,
  );
