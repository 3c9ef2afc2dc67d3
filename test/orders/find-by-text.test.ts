import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { restoreShop } from "../../src/cli/restore-shop.ts";
import { foldWords } from "../../src/orders/fold-words.ts";
import { runSchedule } from "../../src/schedule.ts";
import { givenAdmin, quiet, saved } from "../chaos/shop-backup.ts";
import { measureRequest } from "../costs/measure.ts";
import { testContext } from "../events/context.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { countOf, order, read } from "./ask.ts";

let staff: SignedIn;

interface Given {
  name: string;
  email?: string;
  phone?: string;
}

/** Orders of these customers, by what the tests call them: their names. */
async function place(customers: Given[], headers?: Record<string, string>): Promise<void> {
  const { productIds } = await givenShop([[1_000]]);
  for (const [index, { name, email = `c${index}@shop.example`, phone }] of customers.entries()) {
    const customer = { name, email, ...(phone === undefined ? {} : { phone }) };
    const { status } = await order(basket({ [productIds[0] ?? ""]: 1 }, { customer }), headers);
    expect(status).toBe(201);
  }
}

/** The names of the customers of the orders that are found. */
async function find(q: string, { headers } = staff): Promise<string[]> {
  const { body } = await read(`/orders?${new URLSearchParams({ q })}`, headers);
  expect([q, body.count]).toEqual([q, body.results.length]);
  return body.results.map(({ customer }: { customer: { name: string } }) => customer.name).sort();
}

/** So many orders put straight into D1; `name` and `phone` are SQL over `i`. */
const store = (count: number, name: string, prefix: string) =>
  env.DB.prepare(
    `INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer,
       customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at,
       created_at, updated_at)
     WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})
     SELECT 'ord_${prefix}' || printf('%06d', i), '${prefix}' || i, 'c', 'delivered', 'none', 'invoice', 'low',
       json_object('name', ${name}), 'nobody', 'USD', 5, 0, 0, 0, 5, 1, 1, 's', i, i, i FROM n`,
  ).run();

const words = async (id: string) =>
  (await env.DB.prepare("SELECT word FROM order_words WHERE order_id = ?1").bind(id).all()).results.map(
    ({ word }) => word,
  );

beforeEach(async () => {
  staff = await signIn("staff");
});

const ADA = "Ada Lovelace";
const JOSE = "José Łukasz O’Brien";
const JEAN = "Jean-Luc Müller";
const YAMADA = "山田 太郎";
const ANN = "Annabel Lee";
const SWEDE = "Åsa Öst";

/** What is typed, and whose orders are found. */
const TYPED: [about: string, rows: [typed: string, found: string[]][]][] = [
  [
    "a reference",
    [
      ["ORD-7K3F9QXM2A", [ADA]],
      ["ord-7k3f9qxm2a", [ADA]],
      ["  ORD-7K3F9QXM2A\t", [ADA]],
      ["#ORD-7K3F9QXM2A", [ADA]],
      ["# ord 7k3f 9qxm 2a", [ADA]],
      ["ORD – 7K3F-9QXM-2A", [ADA]],
      ["7K3F9QXM2A", [ADA]],
      ["#7k3f9", [ADA]],
      ["ORD-7", [ADA]],
      // With the letters that are none of its alphabet.
      ["ord-oli0oli0oo", [JEAN]],
      ["Oli0OLI0Oo", [JEAN]],
      // Ten letters are a complete one.
      ["abcdefghjk", [SWEDE]],
      // Fewer, and no digit: a name.
      ["abcde", []],
      ["ORD-7K3F9QXM2B", []],
      ["ORD", [ADA, ANN, JEAN, JOSE, SWEDE, YAMADA]],
    ],
  ],
  [
    "an e-mail address",
    [
      ["ada@shop.example", [ADA]],
      [" ADA@Shop.Example ", [ADA]],
      ["ada@", [ADA]],
      ["jose.o", [JOSE]],
      ["lee@bücher.example", [ANN]],
      ["lee@xn--bcher-kva.example", [ANN]],
      ["shop.example", []],
      ["ada@shop.example.org", []],
    ],
  ],
  [
    "a name",
    [
      ["Ada Lovelace", [ADA]],
      ["lovelace ada", [ADA]],
      ["lovelace, ada", [ADA]],
      ["  LOVE  ", [ADA]],
      ["a lov", [ADA]],
      ["ovelace", []],
      ["ada lee", []],
      ["jose", [JOSE]],
      ["JOSÉ", [JOSE]],
      ["Jose\u0301", [JOSE]],
      ["lukasz obrien", [JOSE]],
      ["O'Brien", [JOSE]],
      ["O’Brien Łuk", [JOSE]],
      ["luc", [JEAN]],
      ["Jean Luc", [JEAN]],
      ["jean-luc muller", [JEAN]],
      ["MÜLLER", [JEAN]],
      ["山田", [YAMADA]],
      ["太", [YAMADA]],
      ["ost", [SWEDE]],
      ["asa", [SWEDE]],
      ["an", [ANN]],
      ["%", []],
      ["_", []],
      ["'", []],
      ["+", []],
      ["\u{10FFFF}", []],
      ["a' OR 1=1 --", []],
    ],
  ],
  [
    "a phone number",
    [
      ["+44 20 7946 0958", [ADA]],
      ["+442079460958", [ADA]],
      ["0044 20 7946 0958", [ADA]],
      ["020 7946 0958", [ADA]],
      ["(020) 7946-0958", [ADA]],
      ["+44 (0)20 7946.0958", [ADA]],
      ["7946 0958", [ADA]],
      ["0958", [ADA]],
      ["958", []],
      ["079460958", [ADA]],
      // Kept without its country.
      ["+49 151 2345678", [JEAN]],
      ["0049-151-2345678", [JEAN]],
      ["0151/2345678", [JEAN]],
      ["151 2345678", [JEAN]],
      // Another's who has the last seven in common.
      ["+49 160 2345678", [ANN]],
      ["2345678", [ANN, JEAN]],
      ["٢٣٤٥٦٧٨", [ANN, JEAN]],
      ["+1 555 0958", []],
    ],
  ],
];

describe("orders are found by what a customer says on the phone", () => {
  beforeEach(async () => {
    await place([
      { name: ADA, email: "ada@shop.example", phone: "+44 20 7946 0958" },
      { name: JOSE, email: "Jose.OBrien@shop.example" },
      { name: JEAN, phone: "(0151) 234 56 78" },
      { name: YAMADA, phone: "n/a" },
      { name: ANN, email: "lee@bücher.example", phone: "Tel. 0160-2345678, ext. 12" },
      { name: SWEDE },
    ]);
    const references = [
      ["7K3F9QXM2A", ADA],
      ["3333333333", JOSE],
      ["0110011000", JEAN],
      ["4444444444", YAMADA],
      ["5555555555", ANN],
      ["ABCDEFGHJK", SWEDE],
    ];
    // Of `Oli0OLI0Oo`.
    references[2] = ["0110011000", JEAN];
    await env.DB.batch(
      references.map(([reference, name]) =>
        env.DB.prepare("UPDATE orders SET reference = 'ORD-' || ?1 WHERE customer ->> 'name' = ?2").bind(
          reference,
          name,
        ),
      ),
    );
  });

  test.each(TYPED)("by %s", async (_, rows) => {
    for (const [typed, found] of rows) expect([typed, await find(typed)]).toEqual([typed, [...found].sort()]);
  });

  test("by its id, or its beginning, and a text of blanks asks for nothing", async () => {
    const id = await env.DB.prepare("SELECT id FROM orders WHERE customer ->> 'name' = ?1")
      .bind(ADA)
      .first<string>("id");
    if (id === null) throw new Error("no order");
    for (const typed of [id, id.toUpperCase(), ` ${id.slice(0, 20)} ${id.slice(20)}`])
      expect(await find(typed)).toEqual([ADA]);
    expect(await find("ord_")).toHaveLength(6);
    expect([await find(" "), await find("")].map((names) => names.length)).toEqual([6, 6]);
  });

  test("with other filters, and a buyer only among their own", async () => {
    const buyer = await signIn();
    await place([{ name: "Ada Byron" }], buyer.headers);
    const names = async (query: string, { headers } = staff) =>
      (await read(`/orders?${query}`, headers)).body.results.map(
        ({ customer }: { customer: Given }) => customer.name,
      );
    expect(await names("q=ada")).toEqual(["Ada Byron", ADA]);
    expect(await names("q=ada&status=confirmed&priority=normal")).toEqual(["Ada Byron", ADA]);
    expect(await names("q=ada&status=pending")).toEqual([]);
    expect(await names("q=ada&customer_email=ada@shop.example")).toEqual([ADA]);
    expect(await names("q=ada", buyer)).toEqual(["Ada Byron"]);
    expect(await names("q=lovelace", buyer)).toEqual([]);
    expect(await names("q=%2B44 20 7946 0958", buyer)).toEqual([]);
  });
});

test("a name writes a row for each of its words, eight at most, and one for its number", async () => {
  const many = "one two three four five six seven eight nine ten one";
  await place([
    { name: "Ada Ada Lovelace", phone: "+1 555 0100" },
    { name: "—" },
    { name: many, phone: "0000" },
  ]);
  const { results } = await env.DB.prepare("SELECT customer_words AS words FROM orders ORDER BY rowid").all();
  expect(results.map(({ words }) => words)).toEqual([
    "ada lovelace +00105551",
    "",
    "one two three four five six seven eight +0000",
  ]);
  expect(await countOf("order_words")).toBe(3 + 9);
});

describe("where a word is one of many", () => {
  test("orders with all words of a name are found, and counted, by the words that few have, or by going along the longest", async () => {
    await store(600, "'Anna Meier' || i", "A");
    await store(600, "'Bert Müller' || i", "B");
    await store(3, "'Anna Müller'", "C");
    while ((await foldWords({ env })) > 0);
    expect(await find("anna muller")).toEqual(["Anna Müller", "Anna Müller", "Anna Müller"]);
    expect(await find("müller anna")).toHaveLength(3);
    expect(await find("anna meier59")).toHaveLength(11);
    expect(await find("anna bert")).toEqual([]);
    const { sent } = await measureRequest("GET", "/orders?q=anna%20muller", undefined, staff.headers);
    expect(sent.reduce((sum, { read: rows }) => sum + rows, 0)).toBeLessThan(5_000);
  });

  test("what is too common for any index is looked for among the newest, page by page", async () => {
    await store(10_100, "'Anna Meier'", "A");
    await store(1, "'Anna Meierhof'", "0");
    while ((await foldWords({ env })) > 0);
    const ids: string[] = [];
    let cursor = "";
    for (let pages = 0; pages < 200; pages++) {
      const { body } = await read(`/orders?q=anna%20meier&page_size=100${cursor}`, staff.headers);
      ids.push(...body.results.map(({ id }: { id: string }) => id));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect([ids.length, new Set(ids).size]).toEqual([10_101, 10_101]);
    const { sent } = await measureRequest("GET", "/orders?q=anna%20meier", undefined, staff.headers);
    for (const { read: rows } of sent) expect(rows).toBeLessThan(45_000);
  }, 60_000);
});

describe("a shop from before", () => {
  beforeEach(async () => {
    await reset();
    const at = env.MIGRATIONS.findIndex(({ name }) => name.includes("order_words"));
    expect(at).toBeGreaterThan(0);
    await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, at));
    await store(2, "'Zoë Före' || i", "A");
    await env.DB.prepare("UPDATE orders SET customer = 'none' WHERE id = 'ord_A000001'").run();
    await applyD1Migrations(env.DB, env.MIGRATIONS);
    staff = await signIn("staff");
  });

  test("finds by reference at once, and by name after a minute", async () => {
    expect([await find("A0"), await find("zoe")]).toEqual([["Zoë Före0"], []]);
    await runSchedule(testContext());
    expect(await find("zoe fore")).toEqual(["Zoë Före0"]);
    // One whose customer nobody can read is not read again each minute.
    expect(await foldWords({ env })).toBe(0);
    expect(
      await env.DB.prepare("SELECT count(*) AS n FROM orders WHERE customer_words IS NULL").first("n"),
    ).toBe(0);
  });

  test("has a bounded part of them folded each minute, the newest first, twice at once too", async () => {
    await store(5_200, "'Name' || i", "B");
    expect(await foldWords({ env })).toBe(5_000);
    expect([await words("ord_B005199"), await words("ord_B000100")]).toEqual([["name5199"], []]);
    await Promise.all([foldWords({ env }), foldWords({ env })]);
    expect([await words("ord_B000100"), await foldWords({ env })]).toEqual([["name100"], 0]);
    expect(await countOf("order_words")).toBe(5_202);
  });

  test("finds a customer who was changed by hand under the new name once a minute is over", async () => {
    await foldWords({ env });
    await env.DB.prepare(
      "UPDATE orders SET customer = '{\"name\":\"Ida Neu\"}' WHERE id = 'ord_A000000'",
    ).run();
    expect(await words("ord_A000000")).toEqual([]);
    await foldWords({ env });
    expect(await words("ord_A000000")).toEqual(["ida", "neu"]);
  });
});

test("a restore brings back the words of its orders, and takes away those of others", async () => {
  const { api } = await givenAdmin();
  await place([{ name: ADA, phone: "555 0100" }]);
  const { backup, files } = await saved(api);
  expect([...files.keys()].filter((name) => name.includes("words"))).toEqual([]);
  testClock.advance(1_000);
  await place([{ name: "Gone Tomorrow" }]);
  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open" });
  staff = await signIn("staff");
  expect([await find("ada"), await find("5550100"), await find("gone")]).toEqual([[ADA], [ADA], []]);
  expect(await countOf("order_words")).toBe(3);
});
