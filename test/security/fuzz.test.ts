import { env, exports } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { brokenInvariants } from "../chaos/invariants.ts";
import { HISTORY } from "../orders/history-rows.ts";
import { type BodyRoute, bodyRoutes, givenWorld, type World } from "./routes.ts";
import { MISSING } from "./wrong-values.ts";

/**
 * Arbitrary and nearly valid input, by a fixed seed: whatever comes, no answer is a 500, each refusal is a problem
 * with a code and the request's id, and nothing is half done afterwards.
 */

const BOUNDS = { seed: 20_261_120, endOnFailure: true, interruptAfterTimeLimit: 8_000 };
const TIMEOUT = 20_000;

let world: World;
let routes: BodyRoute[];
beforeEach(async () => {
  world = await givenWorld();
  routes = bodyRoutes(world);
});

async function mustAnswerWell(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: BodyInit,
) {
  const response = await exports.default.fetch(`http://shop.test${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const what = `${method} ${path} → ${response.status} ${text.slice(0, 200)}`;
  expect(response.status, what).toBeLessThan(500);
  if (response.status < 400) return;
  const type = response.headers.get("content-type");
  // The page of an order is for people.
  if (/\/orders\/[^/]*\/page(\?|$)/.test(path) && type?.startsWith("text/html")) return;
  expect(type, what).toBe("application/problem+json");
  const problem = JSON.parse(text);
  expect(problem, what).toMatchObject({ status: response.status, code: expect.stringMatching(/^[a-z_]+$/) });
  expect(problem.request_id, what).toBe(response.headers.get("x-request-id"));
}

/** Texts and numbers that have hurt somebody before, beside arbitrary ones. */
const awkward = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      "",
      " ",
      "\0",
      "\u{10FFFF}",
      "\u202E",
      "null",
      "-0",
      "NaN",
      "Infinity",
      "1e309",
      "0x10",
      "é".repeat(300),
    ],
    ...[
      "__proto__",
      "constructor",
      "'; DROP TABLE orders; --",
      "%",
      "_%",
      '"',
      "\\",
      "\r\nX: y",
      "../..",
      "{{7*7}}",
    ],
    ...[
      0,
      -0,
      -1,
      1.5,
      1e21,
      1e308,
      2 ** 53,
      -(2 ** 53),
      2 ** 31,
      0.1 + 0.2,
      true,
      false,
      null,
      [],
      {},
      [[]],
    ],
    ...[{ toString: 1 }, { length: 1e9 }, [null], { "": "" }, MISSING],
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: "binary", maxLength: 60 }),
);

/** Every dotted path of a JSON value. */
function pathsOf(value: unknown, prefix: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [prefix];
  return [prefix, ...Object.entries(value).flatMap(([key, part]) => pathsOf(part, [...prefix, key]))];
}

function put(value: unknown, [key, ...rest]: string[], replacement: unknown): unknown {
  if (key === undefined) return replacement === MISSING ? null : replacement;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  if (rest.length === 0 && replacement === MISSING) delete copy[key];
  else copy[key] = put(copy[key], rest, replacement);
  return copy;
}

/** Bodies that are right but for a place or two. */
const nearlyValid = (body: unknown) =>
  fc
    .array(fc.tuple(fc.constantFrom(...pathsOf(body)), awkward), { minLength: 1, maxLength: 2 })
    .map((changes) =>
      JSON.stringify(
        changes.reduce<unknown>((now, [path, value]) => {
          const there = path.slice(0, -1).every((_, depth) => {
            const part = path
              .slice(0, depth + 1)
              .reduce<unknown>((p, k) => (p as Record<string, unknown>)?.[k], now);
            return typeof part === "object" && part !== null;
          });
          return there ? put(now, path, value) : now;
        }, body),
      ),
    );

/** Bodies that were cut, doubled or scribbled into on their way. */
const mangled = (body: unknown) => {
  const text = JSON.stringify(body);
  return fc
    .tuple(fc.nat(text.length), fc.nat(12), fc.string({ unit: "binary", maxLength: 6 }))
    .map(([at, cut, scribble]) => text.slice(0, at) + scribble + text.slice(at + cut));
};

/** What would be on hand if orders had moved nothing: staff's adjustments are arbitrary here, and count as there at first. */
async function readOpening(): Promise<Map<string, number>> {
  const { on_hand } = await env.STOCK.get(env.STOCK.idFromName(world.productId)).levels();
  const left = await env.DB.prepare(
    `SELECT (SELECT COALESCE(SUM(a.value ->> 'shipped'), 0) FROM order_items AS i, json_each(i.allocations) AS a)
       - (SELECT COALESCE(SUM(l.value ->> 'quantity'), 0) FROM returns AS r, json_each(r.items) AS l
          WHERE l.value ->> 'restock') AS units`,
  ).first<number>("units");
  return new Map([[world.productId, on_hand + (left ?? 0)]]);
}

/**
 * What stands in D1 and Stock is whole: the invariants hold, work comes to its end, orders have all their parts. A version
 * may have a second event: that a refund is asked for is none.
 */
async function mustBeWhole(): Promise<void> {
  const calm = async () => expect(await brokenInvariants(await readOpening(), { calm: true })).toEqual([]);
  await vi.waitFor(calm, { timeout: 8_000, interval: 50 });
  const { results } = await env.DB.prepare(
    `SELECT o.id FROM orders AS o WHERE
       NOT EXISTS (SELECT 1 FROM order_items AS i WHERE i.order_id = o.id)
       OR (SELECT count(*) FROM ${HISTORY} AS h WHERE h.order_id = o.id) <> o.version
       OR (SELECT count(DISTINCT e.object_version) FROM events AS e WHERE e.object_id = o.id) <> o.version
       OR NOT EXISTS (SELECT 1 FROM claims AS c WHERE c.id = o.claim_id AND c.order_id = o.id)`,
  ).all();
  expect(results).toEqual([]);
  const products = await env.DB.prepare(
    `SELECT id FROM products AS p
     WHERE (SELECT count(*) FROM product_history AS h WHERE h.product_id = p.id) NOT IN (p.version, p.version - 1)`,
  ).all();
  expect(products.results).toEqual([]);
}

test("any body, to any route that takes one", { timeout: TIMEOUT }, async () => {
  const request = fc.nat(routes.length - 1).chain((index) => {
    const { body } = routes[index] ?? { body: {} };
    const bodies = [
      { arbitrary: nearlyValid(body), weight: 6 },
      { arbitrary: mangled(body), weight: 2 },
      { arbitrary: fc.json({ maxDepth: 5 }), weight: 1 },
      { arbitrary: fc.string({ unit: "binary", maxLength: 80 }), weight: 1 },
    ];
    return fc.tuple(fc.constant(index), fc.oneof(...bodies), fc.nat(7));
  });
  await fc.assert(
    fc.asyncProperty(request, async ([index, body, rank]) => {
      const route = routes[index];
      if (!route) return;
      const who = rank === 0 ? world.customer : world.admin;
      const headers = { "content-type": "application/json", ...(route.as === "guest" ? {} : who.headers) };
      await mustAnswerWell(route.method, `/api/v1${route.path}`, headers, body);
    }),
    { ...BOUNDS, numRuns: 300 },
  );
  await mustBeWhole();
});

test("nearly valid orders, many at a time", { timeout: TIMEOUT }, async () => {
  const valid = routes[0]?.body;
  await fc.assert(
    fc.asyncProperty(fc.array(nearlyValid(valid), { minLength: 5, maxLength: 5 }), async (bodies) => {
      const headers = { "content-type": "application/json" };
      await Promise.all(bodies.map((body) => mustAnswerWell("POST", "/api/v1/orders", headers, body)));
    }),
    { ...BOUNDS, numRuns: 40 },
  );
  await mustBeWhole();
});

interface Described {
  parameters?: { in: string; name: string }[];
}

test("any query, to every list", { timeout: TIMEOUT }, async () => {
  const response = await exports.default.fetch("http://shop.test/openapi.json");
  const { paths } = await response.json<{ paths: Record<string, { get?: Described }> }>();
  const lists = Object.entries(paths).flatMap(([path, { get }]) => {
    const names = (get?.parameters ?? []).filter((one) => one.in === "query").map(({ name }) => name);
    return names.length === 0 ? [] : [{ path, names }];
  });
  expect(lists.length).toBeGreaterThanOrEqual(11);
  const { productId, orderId, storeId, admin } = world;
  const idIn = (path: string) =>
    path.includes("/orders/") ? orderId : path.includes("/stores/") ? storeId : productId;

  const text = fc.oneof(
    awkward
      .filter((value) => value !== MISSING)
      .map((value) => (typeof value === "string" ? value : JSON.stringify(value))),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.base64String({ maxLength: 60 }),
    fc.constantFrom(
      "0",
      "1",
      "100",
      "-1",
      "1e3",
      "true",
      "pending",
      "2026-01-01T00:00:00Z",
      "9999-12-31T23:59:59Z",
    ),
    fc.jsonValue().map((value) => btoa(encodeURIComponent(JSON.stringify([value, "id"]).toWellFormed()))),
    fc
      .tuple(fc.double(), fc.string())
      .map(([key, id]) => btoa(JSON.stringify([key, id]).replace(/[^ -~]/g, "?"))),
  );
  const query = fc
    .constantFrom(...lists)
    .chain(({ path, names }) =>
      fc.tuple(
        fc.constant(path.replace(/\{\w+\}/, idIn(path))),
        fc.array(fc.tuple(fc.constantFrom(...names, "unknown"), text), { minLength: 1, maxLength: 4 }),
      ),
    );
  await fc.assert(
    fc.asyncProperty(query, async ([path, pairs]) => {
      const search = new URLSearchParams(pairs.map(([name, value]) => [name, value.toWellFormed()]));
      await mustAnswerWell("GET", `${path}?${search}`, admin.headers);
    }),
    { ...BOUNDS, numRuns: 300 },
  );
});

test("any name and any header, on the way to an order", { timeout: TIMEOUT }, async () => {
  const printable = fc.string({ unit: "grapheme-ascii", maxLength: 300 }).map((value) => value.trim());
  const names = [
    "Idempotency-Key",
    "If-Match",
    "X-Order-Token",
    "Authorization",
    "X-Request-Id",
    "traceparent",
  ];
  names.push("CF-Connecting-IP", "Accept", "Content-Encoding", "Origin");
  const headers = fc.dictionary(fc.constantFrom(...names), printable, { maxKeys: 3 });
  const segment = fc.oneof(
    fc.constantFrom(world.orderId, world.productId, "ord_", "%00", "%ff", "%", "%2f"),
    fc.string({ unit: "grapheme", maxLength: 80 }).map((value) => encodeURIComponent(value.toWellFormed())),
  );
  const call = fc.constantFrom(
    "GET /orders/:",
    "GET /orders/:/history",
    "POST /orders/:/cancel",
    "GET /products/:",
  );
  await fc.assert(
    fc.asyncProperty(call, segment, headers, async (template, name, sent) => {
      const [method = "", path = ""] = template.split(" ");
      await mustAnswerWell(method, `/api/v1${path.replace(":", () => name)}`, sent);
    }),
    { ...BOUNDS, numRuns: 200 },
  );
  await mustBeWhole();
});
