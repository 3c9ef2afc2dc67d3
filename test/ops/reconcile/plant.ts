import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { stockOf } from "../../../src/inventory/client.ts";
import { type Answer, answerOf } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { basket, givenShop, placed, post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";

export const MINUTE = 60_000;

const objectOf = (productId: string) => env.STOCK.get(env.STOCK.idFromName(productId));

/** Changes an object's storage behind its back; evicted, it remembers nothing of before. */
export async function plant(productId: string, ...statements: string[]): Promise<void> {
  await runInDurableObject(objectOf(productId), (_, { storage }) => {
    for (const statement of statements) storage.sql.exec(statement);
  });
  await evictDurableObject(objectOf(productId));
}

export const rowsIn = (productId: string, query: string): Promise<unknown[]> =>
  runInDurableObject(objectOf(productId), (_, { storage }) => storage.sql.exec(query).toArray());

export const alarmOf = (productId: string): Promise<number | null> =>
  runInDurableObject(objectOf(productId), (_, { storage }) => storage.getAlarm());

export const forgetAlarm = (productId: string): Promise<void> =>
  runInDurableObject(objectOf(productId), (_, { storage }) => storage.deleteAlarm());

/** A shop of one product and store, with `stock` units. */
export async function givenProduct(stock: number) {
  const { productIds, storeIds } = await givenShop([[stock]]);
  const [productId = ""] = productIds;
  const [storeId = ""] = storeIds;
  return { productId, storeId, staff: (await signIn("staff")).headers };
}

export const placeUnits = async (productId: string, quantity: number) =>
  placed(await post("/orders", basket({ [productId]: quantity })));

export const claimOfOrder = async (orderId: string): Promise<string> =>
  (await env.DB.prepare("SELECT claim_id FROM orders WHERE id = ?1")
    .bind(orderId)
    .first<string>("claim_id")) ?? "";

/** Long enough that whatever was sent has come. */
export const letCommandsArrive = (): void => testClock.advance(3 * MINUTE);

export const reconcile = (headers: Record<string, string>, body?: unknown): Promise<Answer> =>
  answerOf(post("/inventory/reconcile", body, headers));

export const levelsOf = (productId: string) => stockOf(env, productId).levels();
