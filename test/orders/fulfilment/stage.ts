import { env } from "cloudflare:workers";
import { stockOf } from "../../../src/inventory/client.ts";
import { Stage } from "../../chaos/stage.ts";
import { placed, post } from "../../support/shop.ts";
import { staff } from "./staff.ts";

let keys = 0;
export const freshKey = () => ({ "Idempotency-Key": `key-${++keys}` });

/** An order of one of each product, and staff to move it. */
export async function prepared(stock: [number, number] = [1, 1]) {
  const stage = await Stage.build(stock);
  const order = await placed(await post("/orders", stage.order()));
  const member = await staff();
  const [apple = "", pear = ""] = stage.productIds;
  const store = order.items[0]?.allocations[0]?.store_id ?? "";
  return { ...member, stage, id: order.id, apple, pear, store };
}

/** What left and came back, by the ledger. */
export async function moved(productId: string): Promise<string[]> {
  const { movements } = await stockOf(env, productId).movements(null, 100);
  return movements.map(({ type }) => type).reverse();
}
