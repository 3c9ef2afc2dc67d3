import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { askUnder, read, refusalOf } from "../orders/ask.ts";
import { givenSold } from "../orders/fulfilment/staff.ts";
import { testClock } from "../support/clock.ts";
import { runOwed } from "./orders.ts";

/** A guest's order, and the mails of it that were owed before anybody asked. */
let id: string;
let reference: string;
beforeEach(async () => {
  const customer = { name: "Ada", email: "Ada@Shop.example" };
  const sold = await givenSold([[9]], [1], { customer });
  id = sold.id;
  reference = (await env.DB.prepare("SELECT reference FROM orders").first<string>("reference")) ?? "";
  await env.DB.prepare("DELETE FROM work").run();
});

const OFF = { LOOKUPS_PER_MINUTE: "0" };
const find = (body: object, settings: Record<string, string> = OFF, headers = {}) =>
  askUnder(settings, "POST", "/orders/lookup", body, headers);
const from = (address: string) => ({ "CF-Connecting-IP": address });

test("the link goes to the address of the order, and opens it", async () => {
  expect((await find({ reference, email: "ada@shop.example" })).status).toBe(202);
  const mails = await runOwed({ ORDER_URL: "https://shop.example/o/{order_id}?token={token}" });
  expect(mails.map(({ to_address, subject }) => [to_address, subject])).toEqual([
    ["Ada@Shop.example", `Your order ${reference}`],
  ]);
  const text = mails[0]?.text ?? "";
  const token = /token=(\S+)/.exec(text)?.[1] ?? "";
  expect(text).toBe(
    `Hello Ada,\n\nYou asked for your order ${reference}.\nIt is confirmed, and we are getting it ready.\n\n` +
      `See your order: https://shop.example/o/${id}?token=${token}\n`,
  );
  expect((await read(`/orders/${id}`, { "X-Order-Token": token })).body.reference).toBe(reference);
});

test("the reference may be written in any way, the address too", async () => {
  const bare = reference.slice("ORD-".length);
  const ways = [reference.toLowerCase(), ` # ${bare} `, bare.toLowerCase(), reference.replace("-", " ")];
  for (const way of ways) {
    expect([way, (await find({ reference: way, email: " ADA@shop.EXAMPLE " })).status]).toEqual([way, 202]);
  }
  expect((await runOwed()).length).toBe(ways.length);
});

test("nobody learns whether there is such an order: the answers are the same, and as much is written", async () => {
  const asked: [reference: string, email: string][] = [
    [reference, "ada@shop.example"],
    [reference, "eve@shop.example"],
    ["ORD-0000000000", "ada@shop.example"],
    [reference.slice(0, -1), "ada@shop.example"],
  ];
  const answers = [];
  for (const [of, email] of asked) {
    const { status, headers, body } = await find({ reference: of, email });
    const named = [...headers].filter(([name]) => name !== "x-request-id");
    const owed = await env.DB.prepare("SELECT count(*) AS owed FROM work").first<number>("owed");
    await env.DB.prepare("UPDATE work SET state = 'owed'").run();
    answers.push({ status, body, named, owed });
  }
  const [first] = answers;
  expect(first?.status).toBe(202);
  expect(answers).toEqual(answers.map((_, at) => ({ ...first, owed: at + 1 })));
  expect((await runOwed()).map(({ to_address }) => to_address)).toEqual(["Ada@Shop.example"]);
  const { results } = await env.DB.prepare("SELECT state FROM work").all();
  expect(results).toEqual(asked.map(() => ({ state: "done" })));
});

test("what is no reference owes nothing, and is answered alike", async () => {
  expect((await find({ reference: "my beans!", email: "ada@shop.example" })).status).toBe(202);
  expect(await env.DB.prepare("SELECT count(*) AS owed FROM work").first("owed")).toBe(0);
});

test("it is limited by address and by mailbox, whether or not there is such an order", async () => {
  const ask = async (address: string, email: string) => {
    const answer = await find({ reference, email }, { LOOKUPS_PER_MINUTE: "2" }, from(address));
    return answer.status === 429 ? [...refusalOf(answer), answer.headers.get("Retry-After")] : answer.status;
  };
  expect(await ask("192.0.2.1", "ada@shop.example")).toBe(202);
  expect(await ask("192.0.2.2", "ada@shop.example")).toBe(202);
  expect(await ask("192.0.2.3", "ADA@shop.example")).toEqual([429, "rate_limited", "60"]);
  expect(await ask("192.0.2.4", "eve@shop.example")).toBe(202);
  expect(await ask("192.0.2.4", "eva@shop.example")).toBe(202);
  expect(await ask("192.0.2.4", "evi@shop.example")).toEqual([429, "rate_limited", "60"]);
  testClock.advance(60_000);
  expect(await ask("192.0.2.4", "ada@shop.example")).toBe(202);
});
