import { expect, test } from "vitest";
import { ask } from "../accounts/ask.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";

test("whoever is signed in reads all that is held of them, and nothing of others", async () => {
  const { productIds } = await givenShop([[50]]);
  const [apple = ""] = productIds;
  for (const role of ["customer", "staff"]) {
    const [ada, eve] = [await signIn(role), await signIn()];
    const own = await placed(await post("/orders", basket({ [apple]: 1 }), ada.headers));
    await post("/orders", basket({ [apple]: 1 }), eve.headers);
    await ask("POST", "/me/addresses", { name: "A", line1: "1", city: "C", country: "NL" }, ada.headers);
    const { status, body } = await ask("GET", "/me/export", undefined, ada.headers);
    expect([status, body]).toMatchObject([
      200,
      {
        user: { id: ada.id, email: ada.email },
        addresses: [{ line1: "1" }],
        sessions: [{ current: true }],
        orders: [{ id: own.id, history: [{ version: 1, actor: "you" }], payments: [] }],
        next_cursor: null,
      },
    ]);
  }
});

test("orders come twenty at a time", async () => {
  const { productIds } = await givenShop([[50]]);
  const ada = await signIn();
  const orders = Array.from({ length: 21 }, () => basket({ [productIds[0] ?? ""]: 1 }));
  await post("/orders/bulk", { orders }, ada.headers);
  const first = (await ask("GET", "/me/export", undefined, ada.headers)).body;
  const next = (await ask("GET", `/me/export?cursor=${first.next_cursor}`, undefined, ada.headers)).body;
  const ids = [first, next].flatMap((page) =>
    (page.orders as unknown as { id: string }[]).map(({ id }) => id),
  );
  expect([new Set(ids).size, next.next_cursor]).toEqual([21, null]);
});
