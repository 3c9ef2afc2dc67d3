import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { applyReports } from "../../../src/inventory/projection/projection.ts";
import { loadTable, type Row } from "../../../src/ops/backup/dump-table.ts";
import { findTable, readTables } from "../../../src/ops/backup/tables.ts";
import { testContext } from "../../events/context.ts";
import { closeForRestore } from "../../ops/restore/close.ts";
import { testClock } from "../../support/clock.ts";
import { signIn } from "../../support/sign-in.ts";
import { api } from "../api.ts";
import { type GivenProduct, givenProducts } from "./given.ts";

/** The index is right when building it anew from the products comes to the same. */
async function mustBeInStep(): Promise<void> {
  const rowsOf = async (sql: string) => (await env.DB.prepare(sql).raw()).map((row) => row.join(" "));
  expect(
    await rowsOf(
      "SELECT product_id, category_id, price, created_at, in_stock FROM product_documents ORDER BY 1",
    ),
  ).toEqual(
    await rowsOf(
      `SELECT id, category_id, price, created_at,
         EXISTS (SELECT 1 FROM stock_levels WHERE product_id = products.id AND available > 0)
       FROM products WHERE active = 1 ORDER BY 1`,
    ),
  );
  // Counts of nothing may stay: a category that had documents keeps its row.
  expect(
    await rowsOf("SELECT * FROM document_counts WHERE products > 0 OR in_stock <> 0 ORDER BY 1"),
  ).toEqual(
    await rowsOf(
      `SELECT '', count(*), sum(in_stock) FROM product_documents HAVING count(*) > 0
       UNION ALL SELECT category_id, count(*), sum(in_stock) FROM product_documents GROUP BY category_id ORDER BY 1`,
    ),
  );
  await env.DB.batch(
    [
      "DROP TABLE IF EXISTS built",
      `CREATE VIRTUAL TABLE built USING fts5 (title, category, description, shelf, content = '', contentless_delete = 1,
         tokenize = 'unicode61 remove_diacritics 2')`,
      `INSERT INTO built (rowid, title, category, description, shelf)
       SELECT documents.id, coalesce(products.title_words, products.title), coalesce(categories.name_words, categories.name),
         coalesce(products.description_words, products.description) || ' ' || coalesce(products.sku_key, ''),
         substr(categories.id, 5) FROM products
       JOIN categories ON categories.id = products.category_id
       JOIN product_documents AS documents ON documents.product_id = products.id`,
      "DROP TABLE IF EXISTS built_terms",
      "CREATE VIRTUAL TABLE built_terms USING fts5vocab(built, instance)",
      "DROP TABLE IF EXISTS kept_terms",
      "CREATE VIRTUAL TABLE kept_terms USING fts5vocab(product_index, instance)",
    ].map((sql) => env.DB.prepare(sql)),
  );
  const instances = (table: string) =>
    rowsOf(`SELECT term, doc, col, "offset" FROM ${table} ORDER BY 1, 2, 3, 4`);
  expect(await instances("kept_terms")).toEqual(await instances("built_terms"));
  await env.DB.batch(
    ["kept_terms", "built_terms", "built"].map((table) => env.DB.prepare(`DROP TABLE ${table}`)),
  );
}

const MIXED: GivenProduct[] = [
  { title: "Blue mug", category: "Mugs", description: "Stoneware", stock: { sto_1: 3 } },
  { title: "Red mug", category: "Mugs", description: "With a blue rim", stock: { sto_1: 0, sto_2: 1 } },
  { title: "Desk lamp (small), LED", category: "Lamps", description: "Over the mug", stock: { sto_1: 0 } },
  { title: "Crème brûlée dish", category: "Kitchen", active: false, stock: { sto_1: 5 } },
  { title: 'The "best" of Dr. O\'Neil', category: "Kitchen" },
  { title: "[] {} null \\ 12 \u2028 x", category: "Kitchen" },
];

const level = (productId: string, storeId: string, onHand: number, version: number) => ({
  productId,
  epoch: 1,
  version,
  at: 1,
  levels: [{ storeId, onHand, reserved: 0, version }],
});

describe("the index is kept", () => {
  test("whatever the catalogue's own writes are", async () => {
    const staff = (await signIn("staff")).headers;
    const [blue = "", red = "", lamp = "", dish = ""] = await givenProducts(MIXED);
    await mustBeInStep();
    const patch = (id: string, body: object) => api("PATCH", `/products/${id}`, staff, body);
    const lamps = (await api("GET", `/products/${lamp}`)).body.category.id;
    await patch(blue, { title: "Green mug", category_id: lamps });
    await mustBeInStep();
    await patch(red, { active: false, title: "Gone" });
    await patch(dish, { active: true });
    await patch(lamp, { price: { amount: "1.00" } });
    await api("PATCH", `/categories/${lamps}`, staff, { name: "Lights" });
    await mustBeInStep();
    await api("PATCH", `/categories/${lamps}`, staff, { description: "They shine" });
    await mustBeInStep();
    await patch(red, { active: true });
    await api("DELETE", `/products/${lamp}`, staff);
    await api("POST", "/products/bulk", staff, {
      products: (await api("GET", "/products")).body.results.map(({ sku, title }) => ({
        sku,
        title: `${title}, new`,
      })),
    });
    await mustBeInStep();
  });

  test("whatever the stock reports", async () => {
    const context = testContext();
    const [blue = "", red = ""] = await givenProducts(MIXED);
    // What hangs on stock is repeated for a few seconds.
    const available = async () => {
      testClock.advance(3_000);
      return (await api("GET", "/search/products?in_stock=true")).body.count;
    };
    expect(await available()).toBe(2);
    await applyReports(context, [level(blue, "sto_1", 0, 9), level(red, "sto_1", 4, 9)]);
    expect(await available()).toBe(1);
    await applyReports(context, [level(red, "sto_2", 0, 10), level(blue, "sto_3", 1, 10)]);
    expect(await available()).toBe(2);
    await mustBeInStep();
    await env.DB.prepare("DELETE FROM stock_levels WHERE product_id = ?1").bind(red).run();
    expect(await available()).toBe(1);
    await mustBeInStep();
    await env.DB.prepare("DELETE FROM stock_levels").run();
    expect(await available()).toBe(0);
    await mustBeInStep();
  });

  test("when a restore puts rows back, in whatever order, over others, and twice", async () => {
    const context = testContext();
    await givenProducts(MIXED);
    const dump = async (name: string) => (await env.DB.prepare(`SELECT * FROM ${name}`).all<Row>()).results;
    const [products, categories] = [await dump("products"), await dump("categories")];
    await givenProducts([{ title: "Came later", category: "Later" }]);
    const generation = await closeForRestore();
    const load = async (name: string, rows: Row[], first: boolean) => {
      const table = await findTable(context, name);
      if (!table) throw new Error(`${name} is in no backup`);
      expect(await loadTable(context, table, { generation, first, rows })).toEqual({ kind: "done" });
    };
    await load("products", products.slice(0, 4), true);
    await load("products", products.slice(2), false);
    await load("categories", categories, true);
    await mustBeInStep();
    await load("categories", categories, true);
    await load("products", products, true);
    await mustBeInStep();
    expect((await api("GET", "/search/products?q=mug")).body.count).toBe(3);
    expect((await api("GET", "/search/products?q=later")).body.count).toBe(0);
    expect((await api("GET", "/search/suggest?q=stonware")).body.suggestions).toEqual([]);
    expect((await api("GET", "/search/suggest?q=desk%20lmap")).body.suggestions).toEqual([]);
    expect((await api("GET", "/search/suggest?q=dessk")).body.suggestions).toEqual([
      "Desk lamp (small), LED",
    ]);
  });

  test("by nobody but triggers: no backup has it", async () => {
    const tables = (await readTables(testContext())).map(({ name }) => name);
    expect(tables).toContain("products");
    expect(tables.filter((name) => /document|index|word/.test(name))).toEqual([]);
  });
});

test("a shop that had products before is indexed by the migration", async () => {
  await reset();
  const first = env.MIGRATIONS.findIndex(({ name }) => name.includes("search_documents"));
  expect(first).toBeGreaterThan(0);
  await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, first));
  await givenProducts(MIXED, { folded: false });
  await applyD1Migrations(env.DB, env.MIGRATIONS);
  await mustBeInStep();
  expect((await api("GET", "/search/products?q=mug")).body.count).toBe(3);
  expect((await api("GET", "/search/products?in_stock=true")).body.count).toBe(2);
  expect((await api("GET", "/search/suggest?q=blluee%20mug")).body.suggestions).toEqual([]);
  expect((await api("GET", "/search/suggest?q=bluee%20mug")).body.suggestions).toEqual(["Blue mug"]);
});
