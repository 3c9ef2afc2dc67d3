import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { restoreShop } from "../../../src/cli/restore-shop.ts";
import { cleanUp } from "../../../src/ops/jobs/clean-up.ts";
import { addUpDays } from "../../../src/orders/statistics/add-up.ts";
import { rebuildFigures } from "../../../src/orders/statistics/rebuild.ts";
import { givenAdmin, quiet, saved } from "../../chaos/shop-backup.ts";
import { testContext } from "../../events/context.ts";
import { goTo, HOUR } from "../../ops/jobs/shop-hours.ts";
import { rows, Till, tell } from "../../payments/settle/till.ts";
import { testClock } from "../../support/clock.ts";
import { basket } from "../../support/shop.ts";
import { order } from "../ask.ts";
import { staff } from "../fulfilment/staff.ts";
import { HISTORY } from "../history-rows.ts";
import { expectedFigures, figures } from "./figures.ts";

/** One order of each kind that the figures tell apart, each step of it an hour or more after the one before. */
async function givenAllKinds() {
  goTo("2027-03-20T10:00:00Z");
  const till = await Till.open(50, 5);
  const [apple = "", pear = ""] = till.productIds;
  const { act } = await staff();
  const buy = async (apples: number, payment_method: string) =>
    (await order(basket({ [apple]: apples, [pear]: 1 }, { payment_method }))).body;
  const [paid, unpaid, dropped, closed] = [
    await buy(1, "card"),
    await buy(2, "card"),
    await buy(3, "card"),
    await buy(4, "invoice"),
  ];
  await buy(90, "invoice");
  testClock.advance(HOUR / 4);
  for (const one of [paid, dropped]) await tell(one);
  await till.drain();
  testClock.advance(13 * HOUR);
  await till.expire();
  expect((await act(closed.id, "shipments", { items: [{ product_id: apple, quantity: 1 }] })).status).toBe(
    201,
  );
  testClock.advance(HOUR);
  till.answer = () => ({ kind: "refused", error: "no" });
  expect((await act(closed.id, "close")).status).toBe(200);
  expect((await act(dropped.id, "cancel")).status).toBe(200);
  await till.drain();
  testClock.advance(HOUR);
  expect((await act(closed.id, "transitions", { to: "delivered" })).status).toBe(200);
  const statuses = await rows<{ status: string }>("SELECT status FROM orders ORDER BY status");
  expect(statuses.map(({ status }) => status)).toEqual([
    "cancelled",
    "confirmed",
    "delivered",
    "expired",
    "rejected",
  ]);
  return { buy, act, ids: { paid: paid.id, unpaid: unpaid.id } };
}

const ORDERS = "SELECT * FROM orders ORDER BY id";

test("a shop that sold before there were figures gets them by its migrations", async () => {
  await givenAllKinds();
  // What the migrations find is added up, to its last day.
  goTo("2027-03-22T00:00:00Z");
  expect(await addUpDays(testContext())).toBe(2);
  const lived = await figures();
  expect(lived).toEqual(await expectedFigures());
  const kept = ["orders", "order_items", "order_history", "refunds"];
  const tables = new Map<string, Record<string, unknown>[]>();
  for (const table of kept) tables.set(table, await rows(`SELECT * FROM ${table}`));
  // In a shop from before, each version has a row.
  tables.set("order_history", await rows(`SELECT * FROM ${HISTORY}`));
  const orders = await rows(ORDERS);

  await reset();
  const first = env.MIGRATIONS.findIndex(({ queries }) =>
    queries.some((sql) => sql.includes("sale_figures")),
  );
  await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, first));
  for (const [table, all] of tables) {
    const columns = (await rows<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`)).map(
      ({ name }) => name,
    );
    if (table === "orders") expect(columns).not.toContain("sold_at");
    await env.DB.prepare(
      `INSERT INTO ${table} (${columns}) SELECT ${columns.map((name) => `value ->> '${name}'`)} FROM json_each(?1)`,
    )
      .bind(JSON.stringify(all))
      .run();
  }
  await applyD1Migrations(env.DB, env.MIGRATIONS);
  expect(await rows(ORDERS)).toEqual(
    orders.map((order) => ({ ...order, placed_by: null, placed_as: null, customer_words: null })),
  );
  expect(await figures()).toEqual(lived);
});

test("a restore leaves the figures of the orders that it restores, not doubled and not of those it does not", async () => {
  const { buy, act, ids } = await givenAllKinds();
  const { api } = await givenAdmin();
  const { backup, files } = await saved(api);
  expect([...files.keys()].filter((name) => name.includes("figures"))).toEqual([]);
  const [then, orders] = [await figures(), await rows(ORDERS)];

  testClock.advance(2 * HOUR);
  await buy(1, "invoice");
  await act(ids.paid, "cancel");
  await env.DB.prepare("UPDATE product_figures SET units = units + 7").run();
  expect(await figures()).not.toEqual(then);
  // Twice: the second finds every row there already.
  for (let times = 0; times < 2; times++) {
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open" });
    expect(await figures()).toEqual(then);
    expect(await rows(ORDERS)).toEqual(orders);
  }
  await buy(1, "invoice");
  expect(await figures()).toEqual(await expectedFigures());
});

test("what retention deletes is missed by no figure: they are made again from the orders without it", async () => {
  await givenAllKinds();
  const then = await figures();
  goTo("2028-03-20T10:00:00Z");
  expect(await cleanUp(testContext())).toMatch(/history lines of ended orders \d/);
  expect(await figures()).toEqual(then);
  await env.DB.prepare("DELETE FROM order_figures").run();
  await rebuildFigures(testContext(), null);
  expect(await figures()).toEqual(then);
});
