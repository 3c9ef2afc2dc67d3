import { z } from "zod";
import type { Api } from "../../src/cli/api.ts";
import { ensureCategories, ensureStores, writeProducts } from "../../src/cli/fill-catalogue.ts";

/** Makes products in one store each way the API has it. @param units opening stock of each; @returns their ids */
export async function stockProducts(api: Api, prefix: string, units: number[]): Promise<string[]> {
  const category = { name: "Tests", description: "" };
  const store = { name: "Test store", address: "1 Test Street", country: "GB", priority: 1 };
  const plans = units.map((quantity, index) => ({
    sku: `${prefix}-${index}`,
    title: `${prefix} ${index}`,
    description: "",
    category: category.name,
    price: { amount: "5.00", currency: "USD" },
    attributes: {},
    stock: [{ store: store.name, quantity }],
  }));
  const categories = await ensureCategories(api, [category]);
  return writeProducts(api, plans, categories, await ensureStores(api, [store]));
}

export interface Line {
  product_id: string;
  quantity: number;
}

export interface Answer {
  status: number;
  text: string;
}

/** A guest's order, on invoice unless said otherwise, as any buyer sends it. The answer as it came. */
export async function placeOrder(
  url: string,
  items: Line[],
  key?: string,
  method: "invoice" | "card" = "invoice",
): Promise<Answer> {
  const answer = await fetch(`${url}/api/v1/orders`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key === undefined ? {} : { "idempotency-key": key }) },
    body: JSON.stringify({
      items,
      customer: { name: "Ada Buyer", email: "ada@shop.example" },
      payment_method: method,
    }),
  });
  return { status: answer.status, text: await answer.text() };
}

const placedSchema = z.object({
  id: z.string(),
  reference: z.string(),
  status: z.string(),
  access_token: z.string(),
  items: z.array(z.object({ product_id: z.string(), quantity: z.number() })),
});

export type PlacedOrder = z.infer<typeof placedSchema>;

/** What a 201 says. */
export const placedOrder = (answer: Answer): PlacedOrder => placedSchema.parse(JSON.parse(answer.text));

const inventorySchema = z.object({
  on_hand: z.number(),
  reserved: z.number(),
  available: z.number(),
  holds: z.array(z.object({ order_id: z.string(), confirmed: z.boolean() })),
});

export type Inventory = z.infer<typeof inventorySchema>;

/** A product's exact levels and its open holds, from the object that decides them. */
export const exactInventory = (api: Api, productId: string): Promise<Inventory> =>
  api.get(`/inventory/${productId}`, inventorySchema);

/** Units by product, summed over orders. */
export function unitsOf(orders: { items: Line[] }[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { product_id, quantity } of orders.flatMap((order) => order.items)) {
    units.set(product_id, (units.get(product_id) ?? 0) + quantity);
  }
  return units;
}
