import { z } from "zod";
import type { Api } from "./api.ts";

const productPage = z.object({ results: z.array(z.object({ id: z.string() })) });
const productStock = z.object({ active: z.boolean(), stock: z.object({ available: z.number() }) });

/** A product that can be bought right now, among the newest; null when there is none. */
export async function findBuyable(api: Api): Promise<string | null> {
  const { results } = await api.get("/products?active=true&page_size=20", productPage);
  for (const { id } of results) {
    const product = await api.get(`/products/${id}`, productStock);
    if (product.active && product.stock.available > 0) return id;
  }
  return null;
}

/** A command line that places an order. Runs as it stands in any POSIX shell. */
export function orderCommand(url: string, productId: string): string {
  const body = {
    items: [{ product_id: productId, quantity: 1 }],
    customer: { name: "Ada Buyer", email: "ada@holdfast.example" },
    payment_method: "invoice",
  };
  return `curl -sS -X POST ${url}/api/v1/orders -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
}
