import { env, exports } from "cloudflare:workers";
import { stockOf } from "../../src/inventory/client.ts";
import type { OrderWire } from "../../src/orders/schemas.ts";
import { type GivenCatalog, givenCatalog } from "./catalog.ts";

/** A catalogue with stock: `stock[p][s]` units of product p in store s. */
export async function givenShop(stock: number[][], catalog: Omit<GivenCatalog, "products" | "stores"> = {}) {
  const stores = Math.max(...stock.map((levels) => levels.length));
  const given = await givenCatalog({ ...catalog, products: stock.length, stores });
  await Promise.all(
    given.productIds.map((productId, product) =>
      openStock(
        productId,
        (stock[product] ?? []).flatMap((quantity, store) => {
          const storeId = given.storeIds[store];
          return storeId === undefined ? [] : [{ store_id: storeId, quantity }];
        }),
      ),
    ),
  );
  return given;
}

export const openStock = (productId: string, levels: { store_id: string; quantity: number }[]) =>
  stockOf(env, productId).open(productId, { levels, actor: "test" });

export const ADA = { name: "Ada", email: "ada@shop.example" };

/** A guest's order of these products, paid by invoice: it confirms at once. */
export const basket = (quantities: Record<string, number>, more: Record<string, unknown> = {}) => ({
  items: Object.entries(quantities).map(([product_id, quantity]) => ({ product_id, quantity })),
  customer: ADA,
  payment_method: "invoice",
  ...more,
});

export function post(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(`http://shop.test/api/v1${path}`, {
    method: "POST",
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
}

export const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  exports.default.fetch(`http://shop.test/api/v1${path}`, { headers });

export const placed = async (response: Response): Promise<OrderWire> => {
  if (response.status !== 201) throw new Error(`not placed: ${response.status} ${await response.text()}`);
  return response.json<OrderWire>();
};
