import { setImmediate as later } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Api } from "../../src/cli/api.ts";
import { type BackupReader, type RestoreOptions, restoreShop } from "../../src/cli/restore-shop.ts";
import { type BackupWriter, saveShop } from "../../src/cli/save-shop.ts";

/** Backups of a shop that is none: it only answers, and when the test lets it. */

const NOW = "2026-11-20T00:00:00.000Z";
/** As many rows as two full parts of a table or an object have, and one more. */
const THREE_PARTS = 4_001;
const TICK_MS = 5_000;

interface Call {
  path: string;
  /** Of a part: whether it is the first of its table or object. */
  first?: boolean;
}

/** A call with whole objects. In the log it has the name of the first one. */
interface Whole {
  objects: { product_id: string; rows: unknown[] }[];
}

interface Answers {
  tables?: string[];
  rows?: Record<string, unknown>[];
  /** Is awaited before a call is answered. */
  before?: (call: Call) => unknown;
}

/** `log` has each call when it is made, and again when it is answered. */
function givenShop({ tables = [], rows = [], before = () => {} }: Answers) {
  const log: string[] = [];
  const answers = {
    ...{
      schema: "0",
      at: NOW,
      last_seq: 0,
      tables,
      again: [],
      under_way: 0,
      restoring: false,
      generation: 1,
    },
    ...{ done: true, state: "open", checked: 2, drift: [], repaired: 1, open: {}, next: null },
    ...{ movements: [], left_out: false, proof: "proven" },
  };
  const call = async (path: string, body: unknown, answer: object) => {
    const named = path.replace("/ops/backup/", "").replace(/\?product_ids=([^,]*).*/, " of $1");
    const [object] = (body as Partial<Whole> | undefined)?.objects ?? [];
    const name = object ? `${named} of ${object.product_id}` : named;
    log.push(name);
    await before({ ...(body as object | undefined), path: name });
    log.push(`${name} answered`);
    return { ...answers, ...answer };
  };
  const api = {
    get: async (path, schema) => {
      const asked = /\?product_ids=(.*)/.exec(path)?.[1]?.split(",") ?? [];
      const objects = asked.map((product_id) => ({ product_id, rows: [], next: null }));
      const changes = path.includes("/changes") ? { rows: {}, seq: 0, more: false } : { rows };
      return schema.parse(await call(path, undefined, { ...changes, objects }));
    },
    post: async (path, body, schema) => {
      const beginsFigures = path === "/orders/statistics/rebuild" && JSON.stringify(body) === "{}";
      return schema.parse(await call(path, body, beginsFigures ? { next: "2026-08-31" } : {}));
    },
  } as Api;
  return { api, log };
}

/** @param tables how many rows each has; the products are those of the objects @param objects how many rows each has, by product */
function givenBackup(tables: Record<string, number>, objects: Record<string, number>): BackupReader {
  const rows: Record<string, Record<string, unknown>[]> = {
    "stock.jsonl": Object.entries(objects).flatMap(([product, count]) =>
      Array.from({ length: count }, (_, seq) => ({ product, table: "movements", row: { seq } })),
    ),
  };
  for (const [name, count] of Object.entries(tables))
    rows[`tables/${name}.jsonl`] = Array.from({ length: count }, (_, id) => ({
      id: name === "products" ? Object.keys(objects)[id] : id,
    }));
  const files = Object.entries(rows).map(([name, all]) => ({ name, rows: all.length, sha256: "" }));
  return {
    manifest: {
      ...{ format: 1, made_at: NOW, schema: "0", tables: [], products: Object.keys(objects).length },
      files,
    },
    rows: async function* (file) {
      yield* rows[file] ?? [];
    },
  };
}

const options = (print: (line: string) => void = () => {}): RestoreOptions => ({
  ...{ password: "secret", forceOpen: false, print, drainMs: 0 },
  ...{ report: async () => {}, pause: async () => {} },
});

const only = (log: string[], what: RegExp): string[] => log.filter((line) => what.test(line));

/** A thousand products: the objects of a hundred are one call. */
const MANY = Array.from({ length: 1_000 }, (_, number) => `prd_${number}`);

/** Fails one call, and answers all others only later. */
const failing = (path: string) => async (call: Call) => {
  if (call.path === path) throw new Error("the connection was lost");
  if (call.path.startsWith("stock")) for (let turn = 0; turn < 3; turn++) await later();
};

/** The calls that have begun and are not answered. */
const underWay = (log: string[]): string[] =>
  log.filter((line) => !line.endsWith(" answered") && !log.includes(`${line} answered`));

afterEach(() => vi.restoreAllMocks());

describe("a restore", () => {
  test("loads the parts of an object in turn, and other objects meanwhile", async () => {
    const other = Promise.withResolvers<void>();
    const before = ({ path, first }: Call) => {
      if (path === "stock of prd_small") other.resolve();
      return path === "stock/prd_large" && first ? other.promise : undefined;
    };
    const { api, log } = givenShop({ before });
    await restoreShop(api, givenBackup({}, { prd_large: THREE_PARTS, prd_small: 1 }), options());
    const part = ["stock/prd_large", "stock/prd_large answered"];
    expect(only(log, /^stock\/prd_large/)).toEqual([...part, ...part, ...part]);
  });

  test("loads the parts of a table in turn, and other tables meanwhile", async () => {
    const other = Promise.withResolvers<void>();
    const before = ({ path, first }: Call) => {
      if (path === "tables/small") other.resolve();
      return path === "tables/large" && first ? other.promise : undefined;
    };
    const { api, log } = givenShop({ tables: ["large", "small"], before });
    await restoreShop(api, givenBackup({ large: THREE_PARTS, small: 1 }, {}), options());
    const part = ["tables/large", "tables/large answered"];
    expect(only(log, /^tables\/large/)).toEqual([...part, ...part, ...part]);
  });

  test("whose part fails ends with its error when all that had begun has ended, in a closed shop", async () => {
    const { api, log } = givenShop({ before: failing("stock of prd_300") });
    const backup = givenBackup({}, Object.fromEntries(MANY.map((id) => [id, 1])));
    await expect(restoreShop(api, backup, options())).rejects.toThrow("the connection was lost");
    expect(underWay(log)).toEqual(["stock of prd_300"]);
    expect(only(log, /^stock of prd_\d+$/).length).toBeLessThan(10);
    expect(only(log, /^\/ops\/selling$/)).toHaveLength(2);
  });

  test("ends also the objects that have nothing in the backup", async () => {
    const bodies: Record<string, unknown>[] = [];
    const before = ({ path, ...body }: Call) => {
      if (path === "stock of prd_1") bodies.push(body);
    };
    const { api } = givenShop({ before });
    await restoreShop(api, givenBackup({ products: 2 }, { prd_1: 1, prd_2: 0 }), options());
    expect(bodies).toEqual([
      {
        generation: 1,
        objects: [
          { product_id: "prd_1", rows: [{ table: "movements", row: { seq: 0 } }] },
          { product_id: "prd_2", rows: [] },
        ],
      },
    ]);
  });

  test("does not go on with an object of which a part has failed", async () => {
    const { api, log } = givenShop({ before: failing("stock/prd_large") });
    const backup = givenBackup({}, { prd_large: THREE_PARTS });
    await expect(restoreShop(api, backup, options())).rejects.toThrow("the connection was lost");
    expect(only(log, /^stock/)).toEqual(["stock/prd_large"]);
  });

  test("says how far each step is", async () => {
    let now = 0;
    vi.spyOn(Date, "now").mockImplementation(() => now);
    const before = () => {
      now += TICK_MS;
    };
    const { api } = givenShop({ tables: ["orders"], before });
    const lines: string[] = [];
    const backup = givenBackup({ orders: THREE_PARTS, products: 2 }, { prd_1: 1, prd_2: 1 });
    await restoreShop(
      api,
      backup,
      options((line) => lines.push(line)),
    );
    expect(lines.slice(1)).toEqual([
      "  2 of 2 stock objects emptied",
      "  2000 of 4003 rows of tables loaded, about 6 s left",
      "  4000 of 4003 rows of tables loaded, about 1 s left",
      "  4001 of 4003 rows of tables loaded, about 1 s left",
      "  figures made again up to 2026-08-31",
      "1 tables restored",
      "  2 of 2 stock objects loaded",
      "2 stock objects restored",
      "  2 of 2 products reconciled",
    ]);
  });
});

describe("a backup", () => {
  const writer: BackupWriter = { append: async () => {}, close: async () => [] };
  const products = MANY.map((id) => ({ id }));

  test("says how far each step is, but not at each call", async () => {
    let now = 0;
    vi.spyOn(Date, "now").mockImplementation(() => now);
    const before = ({ path }: Call) => {
      now += path.startsWith("stock") ? TICK_MS / 2 : TICK_MS;
    };
    const { api } = givenShop({ tables: ["products"], rows: products, before });
    const lines: string[] = [];
    await saveShop(api, writer, (line) => lines.push(line));
    expect(lines).toEqual([
      "  1000 rows of tables read, now of products",
      "1 tables read",
      "  100 of 1000 stock objects read, about 90 s left",
      "  400 of 1000 stock objects read, about 23 s left",
      "  500 of 1000 stock objects read, about 20 s left",
      "  800 of 1000 stock objects read, about 7 s left",
      "1000 stock objects read",
    ]);
  });

  test("that cannot read an object ends with its error when all that had begun has ended", async () => {
    const { api, log } = givenShop({
      tables: ["products"],
      rows: products,
      before: failing("stock of prd_300"),
    });
    const close = vi.fn(writer.close);
    await expect(saveShop(api, { ...writer, close }, () => {})).rejects.toThrow("the connection was lost");
    expect(underWay(log)).toEqual(["stock of prd_300"]);
    expect(only(log, /^stock of prd_\d+$/).length).toBeLessThan(10);
    expect(close).not.toHaveBeenCalled();
  });
});
