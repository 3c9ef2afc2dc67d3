import { z } from "zod";
import type { Api } from "./api.ts";

const productPage = z.object({ results: z.array(z.object({ id: z.string() })) });
const productStock = z.object({ active: z.boolean(), stock: z.object({ available: z.number() }) });

/** Of the newest products, the one with the most units available; null when none has any. */
export async function findBuyable(api: Api): Promise<string | null> {
  const { results } = await api.get("/products?active=true&page_size=12", productPage);
  const offers = await Promise.all(
    results.map(async ({ id }) => {
      const { active, stock } = await api.get(`/products/${id}`, productStock);
      return { id, available: active ? stock.available : 0 };
    }),
  );
  const best = offers.toSorted((one, other) => other.available - one.available)[0];
  return best && best.available > 0 ? best.id : null;
}

/** A command line, for any POSIX shell, that places an order. */
export function orderCommand(url: string, productId: string): string {
  const body = {
    items: [{ product_id: productId, quantity: 1 }],
    customer: { name: "Ada Buyer", email: "ada@holdfast.example" },
    payment_method: "invoice",
  };
  return `curl -sS -X POST ${url}/api/v1/orders -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
}

export interface BannerFacts {
  url: string;
  /** `password`: the words about it. */
  admin: { email: string; password: string } | null;
  /** Null when nothing is in stock. */
  orderCommand: string | null;
}

/** What `npm start` prints when the shop is ready. */
export function banner({ url, admin, orderCommand }: BannerFacts): string {
  const lines = [
    "",
    `  API        ${url}/api/v1`,
    `  Reference  ${url}/docs`,
    `  OpenAPI    ${url}/openapi.json`,
    `  Health     ${url}/health`,
    `  Metrics    ${url}/metrics`,
    `  E-mails    ${url}/api/v1/emails   (as admin)`,
    "",
    ...(admin === null
      ? ["  No admin: set ADMIN_EMAIL and ADMIN_PASSWORD."]
      : [`  Admin      ${admin.email}   ${admin.password}`]),
    "",
    ...(orderCommand === null
      ? ["  Nothing is in stock. `npm run seed` fills the catalogue."]
      : ["  Place an order:", "", `  ${orderCommand}`]),
    "",
  ];
  return lines.join("\n");
}
