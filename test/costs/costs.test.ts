import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { COUNT_LIMIT_ROWS } from "../../src/platform/pagination.ts";
import { testClock } from "../support/clock.ts";
import type { Sent } from "../support/noted-d1.ts";
import { givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { memory } from "../support/worker.ts";
import { LIMITS, type Limit } from "./limits.ts";
import type { Measured } from "./measure.ts";
import type { Costs, Shop } from "./operations.ts";
import { unanswered } from "./plans.ts";
import { READS } from "./reads.ts";
import { type Kind, type Stored, store } from "./stored.ts";
import { WRITES } from "./writes.ts";

/**
 * What each operation of the API costs in D1, by D1's own count, in a shop of 1,200 things of each kind, in one of 600 newer
 * ones that nobody asks for, and in one of 1,200 more that match; and by what indexes it finds them.
 */

let shop: Shop;
let stored: Stored;
beforeEach(async () => {
  const { categoryIds, storeIds, productIds } = await givenShop([
    [0, 0, 50_000],
    [0, 0, 50_000],
  ]);
  const [near = "", far = "", own = ""] = storeIds;
  const [staff, admin, buyer, owner] = [
    await signIn("staff"),
    await signIn("admin"),
    await signIn(),
    await signIn(),
  ];
  const categoryId = categoryIds[0] ?? "";
  stored = {
    ...{ categoryId, storeIds: [near, far], productId: productIds[0] ?? "" },
    ...{ userId: owner.id, now: testClock.now() },
  };
  const people = { staff, admin, buyer, owner };
  shop = { ...people, productIds, categoryId, storeIds: [near, far, own], storedOrderId: "" };
});

async function grow(from: number, to: number, kind: Kind): Promise<void> {
  await store(from, to, kind, stored);
  const oldest = await env.DB.prepare("SELECT min(id) AS id FROM orders").first<string>("id");
  shop.storedOrderId = oldest ?? "";
}

async function runAll(costs: Costs): Promise<void> {
  for (const act of [...READS, ...WRITES]) {
    memory.clear();
    await act(shop, costs);
  }
}

interface Cost extends Omit<Limit, "filters"> {
  /** Rows read to count what a list has, and how far its page may look. */
  count: number;
}

const COUNTS = [
  /^\s*SELECT (?:coalesce\(sum|count\()/i,
  /\bSELECT count\(\*\) AS counted\b/i,
  /\bAS counted, 0 AS scanned$/,
  // How far a page with a filter may scan, which is as far as is counted.
  /\bLIMIT 1 OFFSET 9999$/,
];
const isCount = ({ sql }: Sent) => COUNTS.some((count) => count.test(sql));
const sum = (sent: Sent[], of: (one: Sent) => number) => sent.reduce((total, one) => total + of(one), 0);
const costOf = ({ calls, sent }: Measured): Cost => ({
  calls,
  statements: sent.length,
  read: sum(
    sent.filter((one) => !isCount(one)),
    ({ read }) => read,
  ),
  written: sum(sent, ({ written }) => written),
  count: sum(sent.filter(isCount), ({ read }) => read),
});

async function costsOf(): Promise<Map<string, Cost>> {
  const all = new Map<string, Cost>();
  await runAll((name, measured) => void all.set(name, costOf(measured)));
  return all;
}

/** What its own changes leave behind from run to run may move a list by an order or two. */
const SLACK = 10;
/** Pages are of five orders, and one that is paid reads a payment and a refund more, so a page of others may differ by that. */
const OF_PAID = 10;

test("what an operation costs does not grow with what is stored", async () => {
  await grow(0, 1_200, "varied");
  // What is made once: the projection's rows, the first figures, the words of new titles.
  await runAll(() => {});
  const few = await costsOf();
  await grow(1_200, 1_800, "bland");
  const others = await costsOf();
  await grow(1_800, 3_000, "varied");
  const many = await costsOf();

  console.log(tableOf(few, others, many));
  expect([...few.keys()].sort()).toEqual([...LIMITS.keys()].sort());
  for (const [name, { calls, statements, read, written, filters }] of LIMITS) {
    for (const cost of [few, others, many].map((size) => size.get(name))) {
      expect.soft(cost?.calls, `calls of ${name}`).toBeLessThanOrEqual(calls);
      expect.soft(cost?.statements, `statements of ${name}`).toBeLessThanOrEqual(statements);
      expect.soft(cost?.read, `rows read of ${name}`).toBeLessThanOrEqual(read + SLACK);
      expect.soft(cost?.written, `rows written of ${name}`).toBeLessThanOrEqual(written);
      // A match and what it leads to each, and where the last of them is.
      expect.soft(cost?.count, `rows counted of ${name}`).toBeLessThanOrEqual(3 * (COUNT_LIMIT_ROWS + 1));
    }
    if (filters) continue;
    const before = few.get(name)?.read ?? 0;
    expect.soft(others.get(name)?.read, `rows read of ${name}`).toBeLessThanOrEqual(before + SLACK + OF_PAID);
  }
}, 120_000);

test("every statement finds its rows by an index", async () => {
  await grow(0, 1_200, "varied");
  const statements = new Map<string, Sent>();
  await runAll((_, { sent }) => {
    for (const one of sent) statements.set(one.sql, one);
  });
  expect(statements.size).toBeGreaterThan(300);
  expect(await unanswered([...statements.values()])).toEqual([]);
}, 120_000);

/** As limits.ts has it, with what counting read. */
function tableOf(...sizes: Map<string, Cost>[]): string {
  const [first] = sizes;
  const most = (name: string, of: (cost: Cost) => number) =>
    Math.max(...sizes.map((size) => of(size.get(name) as Cost)));
  return [...(first?.keys() ?? [])]
    .map((name) => {
      const reads = sizes.map((size) => size.get(name)?.read ?? 0);
      const mark = (reads[1] ?? 0) > (reads[0] ?? 0) + SLACK ? "~" : " ";
      const cells = [
        most(name, ({ calls }) => calls),
        most(name, ({ statements }) => statements),
        most(name, ({ read }) => read),
        most(name, ({ written }) => written),
      ].map((cell) => String(cell).padStart(5));
      return `${mark} ${cells.join(" |")} | ${name.padEnd(80)} | ${reads.join(", ")} + ${most(name, ({ count }) => count)}`;
    })
    .join("\n");
}
