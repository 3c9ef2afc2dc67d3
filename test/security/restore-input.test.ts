import { beforeEach, expect, test } from "vitest";
import { rowsIn } from "../ops/reconcile/plant.ts";
import { expectOutcomes, JSON_TYPE, outcomeOf } from "./outcomes.ts";
import { fingerprintOf, givenWorld, type World } from "./routes.ts";
import { long } from "./wrong-values.ts";

/** Rows that have the shape of a backup and yet fit nowhere, while the shop is being restored. */

let world: World;
/** Of the first restore that a shop has. */
const GENERATION = 1;
const send = (path: string, body: unknown) =>
  outcomeOf({
    method: "POST",
    path: `/ops/${path}`,
    headers: { ...JSON_TYPE, ...world.admin.headers },
    body: JSON.stringify(body),
  });

const part = (more: object) => ({ generation: GENERATION, ...more });
const empty = (name: string) => send("backup/empty-stock", part({ product_ids: [name] }));

beforeEach(async () => {
  world = await givenWorld();
  expect(await send("selling", { state: "restoring" })).toBe("200");
});

test("rows that a table cannot take are refused, and leave it as it was", async () => {
  const before = await fingerprintOf(world);
  const rows: [string, Record<string, unknown>][] = [
    ["categories", {}],
    ["categories", { id: "cat_1" }],
    ["categories", { sqlite: 1, "x') --": 2 }],
    ["events", { seq: "a text" }],
    ["orders", { id: world.orderId }],
  ];
  for (const [table, row] of rows) {
    const outcome = await send(`backup/tables/${table}`, part({ first: true, rows: [row] }));
    expect(`${table} ${JSON.stringify(row)}: ${outcome}`).toBe(
      `${table} ${JSON.stringify(row)}: 422 invalid_body rows`,
    );
  }
  await expectOutcomes([
    ["no table", send("backup/tables/nothing", part({ first: true, rows: [] })), "404 not_found"],
    ["one left out", send("backup/tables/shop_state", part({ first: true, rows: [] })), "404 not_found"],
    ["SQLite's own", send("backup/tables/sqlite_master", part({ first: true, rows: [] })), "404 not_found"],
  ]);
  expect(await fingerprintOf(world)).toEqual(before);
});

test("rows that stock cannot take are refused, and leave it as it was", async () => {
  expect(await empty(world.productId)).toBe("200");
  const before = await fingerprintOf(world);
  const path = `backup/stock/${world.productId}`;
  const level = { store_id: world.storeId, on_hand: 1, reserved: 0, version: 1 };
  const rows = [
    { table: "levels", row: {} },
    { table: "levels", row: { ...level, on_hand: -1 } },
    { table: "levels", row: { ...level, reserved: 2 } },
    { table: "claims", row: { claim: "clm_1", state: "lost" } },
    { table: "holds", row: { claim: "clm_1", store_id: "sto_1", kept: -1, shipped: 0 } },
    { table: "movements", row: { seq: "a text" } },
    { table: "operations", row: { id: null } },
  ];
  for (const row of rows) {
    for (const last of [true, false]) {
      const outcome = await send(path, part({ first: true, last, rows: [row] }));
      expect(`${JSON.stringify(row)}: ${outcome}`).toBe(`${JSON.stringify(row)}: 422 invalid_body rows`);
    }
  }
  expect(await fingerprintOf(world)).toEqual(before);
});

test("stock is loaded only once it is emptied, and goes on only where it began", async () => {
  const path = `backup/stock/${world.productId}`;
  const more = part({ first: false, last: true, rows: [] });
  expect(await send(path, { ...more, first: true })).toBe("409 restore_not_begun");
  expect(await empty(world.productId)).toBe("200");
  expect(await send(path, { ...more, first: true, last: false })).toBe("200");
  expect(await send(path, more)).toBe("200");
  // It has ended: what comes late must not overwrite what has been done to the object since.
  expect(await send(path, more)).toBe("409 restore_not_begun");
  expect(await send(path, { ...more, first: true })).toBe("409 restore_not_begun");
  expect(await empty(world.productId)).toBe("409 restore_superseded");
});

test("stock of what is no product is not there, however it is named, and naming it makes nothing", async () => {
  const whole = part({ first: true, last: true, rows: [] });
  for (const name of ["prd_unknown", long(65), long(2_000), "%20", "%E2%98%83", "a%2Fb"]) {
    const path = `/ops/backup/stock/${name}`;
    expect(await outcomeOf({ method: "GET", path, headers: world.admin.headers }), name).toBe(
      "404 not_found",
    );
    expect(await send(path.slice("/ops/".length), whole), name).toBe("404 not_found");
  }
  expect(await rowsIn("prd_unknown", "SELECT name FROM sqlite_master")).toEqual([]);
});
