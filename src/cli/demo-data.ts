import { z } from "zod";
import { formatMoney } from "../platform/money.ts";
import type { Api } from "./api.ts";
import {
  type CategoryPlan,
  ensureCategories,
  ensureStores,
  type ProductPlan,
  type StorePlan,
  writeProducts,
} from "./fill-catalogue.ts";

const categories: CategoryPlan[] = [
  { name: "Kitchen", description: "For those who cook" },
  { name: "Desk", description: "For those who write" },
  { name: "Outdoors", description: "For those who are out" },
];

const stores: StorePlan[] = [
  { name: "Harbour Street", address: "12 Harbour Street, Bristol", country: "GB", priority: 1 },
  { name: "Old Mill", address: "Mühlenweg 3, Hamburg", country: "DE", priority: 2 },
  { name: "Lakeside", address: "410 Lakeside Avenue, Burlington", country: "US", priority: 3 },
];

/** Sku, category, title, description, price in minor units of the shop's currency, opening stock by store. */
const products: [string, string, string, string, number, [number, number, number]][] = [
  ["DEMO-PAN", "Kitchen", "Cast iron pan", "26 cm, seasoned, for every fire", 4900, [18, 12, 20]],
  ["DEMO-KNIFE", "Kitchen", "Chef's knife", "20 cm blade of carbon steel", 7900, [14, 9, 11]],
  ["DEMO-BOARD", "Kitchen", "Oak chopping board", "End grain, 40 by 30 cm", 5400, [25, 16, 0]],
  ["DEMO-KETTLE", "Kitchen", "Enamel kettle", "Two litres, whistles", 3950, [30, 22, 17]],
  ["DEMO-PEN", "Desk", "Fountain pen", "Steel nib, converter included", 2850, [60, 45, 50]],
  ["DEMO-NOTES", "Desk", "Clothbound notebook", "192 pages that open flat", 1650, [120, 90, 140]],
  ["DEMO-LAMP", "Desk", "Brass desk lamp", "Dimmable, with a linen cable", 11900, [7, 5, 6]],
  ["DEMO-CLIP", "Desk", "Bulldog clips", "Twelve of them, three sizes", 600, [200, 150, 180]],
  ["DEMO-FLASK", "Outdoors", "Vacuum flask", "Keeps a litre hot for a day", 3400, [40, 35, 28]],
  ["DEMO-TARP", "Outdoors", "Waxed cotton tarp", "Three by three metres", 8900, [10, 0, 8]],
  ["DEMO-ROPE", "Outdoors", "Hemp rope", "Ten metres, 12 mm", 1450, [75, 60, 55]],
  ["DEMO-LIGHT", "Outdoors", "Storm lantern", "Burns twenty hours on one filling", 4250, [1, 0, 0]],
];

/**
 * Fills an empty catalogue with products that can be ordered.
 * @returns the products' ids, or null when there were products already
 */
export async function fillWithDemoData(api: Api, currency: string): Promise<string[] | null> {
  const list = z.object({ results: z.array(z.unknown()) });
  if ((await api.get("/products?page_size=1", list)).results.length > 0) return null;
  const categoryIds = await ensureCategories(api, categories);
  const storeIds = await ensureStores(api, stores);
  return writeProducts(api, products.map(toPlan(currency)), categoryIds, storeIds);
}

const toPlan =
  (currency: string) =>
  ([sku, category, title, description, amount, units]: (typeof products)[number]): ProductPlan => ({
    sku,
    category,
    title,
    description,
    price: formatMoney({ amount, currency }),
    attributes: {},
    stock: stores.flatMap((store, index) => {
      const quantity = units[index] ?? 0;
      return quantity > 0 ? [{ store: store.name, quantity }] : [];
    }),
  });
