import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { expectOutcomes, JSON_TYPE, outcomeOf } from "./outcomes.ts";
import {
  altered,
  type BodyRoute,
  bodyRoutes,
  fingerprintOf,
  givenWorld,
  patternOf,
  type World,
} from "./routes.ts";
import { MISSING } from "./wrong-values.ts";

/**
 * Wrong input, route by route: each the 4xx of docs/DESIGN.md §8 with a code and, where one is wrong, its field; never
 * a 500, and nothing half done. An outcome is written as it is told: status, code, fields.
 */

/** What a path takes as a name. */
const NAME = /[a-z]{3}_\w{26}|(?<=^\/(?:jobs|ops\/backup\/tables)\/)[^/]+/;

let world: World;
let routes: BodyRoute[];
beforeEach(async () => {
  world = await givenWorld();
  routes = bodyRoutes(world);
});

const headersOf = (route: BodyRoute): Record<string, string> =>
  route.as === "guest" ? JSON_TYPE : { ...JSON_TYPE, ...world[route.as].headers };

const sending = (route: BodyRoute, body: BodyInit, headers: Record<string, string> = {}) =>
  outcomeOf({ method: route.method, path: route.path, headers: { ...headersOf(route), ...headers }, body });

const brief = (value: unknown): string =>
  value === MISSING ? "missing" : (JSON.stringify(value) ?? "").slice(0, 40);

test("the table knows every route that takes a body", async () => {
  const response = await exports.default.fetch("http://shop.test/openapi.json");
  const { paths } = await response.json<{
    paths: Record<string, Record<string, { requestBody?: unknown }>>;
  }>();
  // A signed body is judged by its signature first: test/payments has what is wrong with those.
  const unsigned = Object.entries(paths).filter(([path]) => !path.startsWith("/api/v1/webhooks/payments/"));
  const described = unsigned.flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.requestBody !== undefined)
      .map(([method]) => `${method.toUpperCase()} ${path.replace("/api/v1", "")}`),
  );
  expect(routes.map(patternOf).sort()).toEqual(described.sort());
});

test("each valid body is taken for what it is", async () => {
  const seen: string[] = [];
  for (const route of routes) seen.push(`${route.path}: ${await sending(route, JSON.stringify(route.body))}`);
  expect(seen).toEqual(routes.map(({ path, answer }) => `${path}: ${answer}`));
});

describe("a body that nobody can read", () => {
  const CASES: [string, (valid: string) => BodyInit, Record<string, string>, string][] = [
    ["nothing", () => "", {}, "400 invalid_json"],
    ["broken JSON", (valid) => valid.slice(0, -1), {}, "400 invalid_json"],
    ["two JSONs", (valid) => valid + valid, {}, "400 invalid_json"],
    ["single quotes", (valid) => valid.replaceAll('"', "'"), {}, "400 invalid_json"],
    ["a form", () => "items=1&items=2", {}, "400 invalid_json"],
    ["no UTF-8", () => new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), {}, "400 invalid_json"],
    ["65 deep", () => `${"[".repeat(65)}${"]".repeat(65)}`, {}, "400 invalid_json"],
    ["2 MB", (valid) => valid.padEnd(2 * 1_048_576), {}, "413 body_too_large"],
    ["text/plain", (valid) => valid, { "content-type": "text/plain" }, "415 unsupported_media_type"],
    ["XML", () => "<order/>", { "content-type": "application/xml" }, "415 unsupported_media_type"],
    [
      "another charset",
      (v) => v,
      { "content-type": "application/json; charset=utf-16" },
      "415 unsupported_media_type",
    ],
    ["compressed", (valid) => valid, { "content-encoding": "gzip" }, "415 unsupported_media_type"],
    ["a list", () => "[]", {}, "422 invalid_body"],
    ["a text", () => '"x"', {}, "422 invalid_body"],
    ["a number", () => "7", {}, "422 invalid_body"],
    ["null", () => "null", {}, "422 invalid_body"],
    ["U+0000", () => '{"a":{"b":"x\\u0000"}}', {}, "422 invalid_body a.b"],
    ["half a character", () => '{"a":"\\ud800"}', {}, "422 invalid_body a"],
  ];

  test.each(CASES)("%s", async (what, bodyOf, headers, expected) => {
    const before = await fingerprintOf(world);
    const lines = routes
      // Cancelling and its like need no body, and a bulk may be of 8 MB.
      .filter(({ bodiless }) => !(what === "nothing" && bodiless))
      .filter(({ path }) => !(what === "2 MB" && path.endsWith("/bulk")))
      // A restore takes back whatever text stood there.
      .filter(({ path }) => !(/^\/ops\/backup\/(?:tables|stock)/.test(path) && /U\+0000|half/.test(what)))
      .map((route): [string, Promise<string>, string] => [
        `${route.method} ${route.path}`,
        sending(route, bodyOf(JSON.stringify(route.body)), headers),
        // A change of nothing is one that went well. The items of a cart may be a list alone.
        what === "nothing" && route.method === "PATCH"
          ? "200"
          : what === "a list" && /^\/carts\/[^/]+\/items$/.test(route.path)
            ? `${expected} items`
            : expected,
      ]);
    await expectOutcomes(lines);
    expect(await fingerprintOf(world)).toEqual(before);
  });

  test("nine megabytes are too much for a bulk too", async () => {
    const bulk = routes.find(({ path }) => path === "/products/bulk");
    if (!bulk) throw new Error("there is no bulk");
    expect(await sending(bulk, "{}".padEnd(9 * 1_048_576))).toBe("413 body_too_large");
  });
});

test("a wrong value is refused by the name of its field, in every field of every route", async () => {
  const before = await fingerprintOf(world);
  const seen: string[] = [];
  const expected: string[] = [];
  for (const route of routes) {
    for (const [field, values] of Object.entries(route.wrong)) {
      for (const value of values) {
        const what = `${route.method} ${route.path} ${field} = ${brief(value)}`;
        const outcome = await sending(route, JSON.stringify(altered(route.body, field, value)));
        // An object in a wrong place may be told by what is missing in it.
        seen.push(`${what}: ${outcome.replace(new RegExp(` ${field}\\.\\S+`, "g"), ` ${field}`)}`);
        expected.push(`${what}: 422 invalid_body ${field}`);
      }
    }
  }
  expect(seen).toEqual(expected);
  expect(seen.length).toBeGreaterThan(400);
  expect(await fingerprintOf(world)).toEqual(before);
});

test("a name that nothing has is a 404 wherever a path takes one", async () => {
  const names = [
    "prd_unknown",
    "0",
    "null",
    "%00",
    "%ff",
    "'%3B--",
    "%F0%9F%92%A5",
    "..%2F..",
    "x".repeat(3_000),
  ];
  const gets = [
    "/orders/:/history",
    "/orders/:",
    "/products/:",
    "/categories/:",
    "/stores/:",
    "/inventory/:",
    "/carts/:",
  ];
  gets.push("/products/:/history", "/inventory/:/transactions", "/inventory/:/levels");
  gets.push("/stores/:/inventory", "/stores/:/orders");
  const { headers } = world.admin;
  const lines: [string, Promise<string>, string][] = [];
  for (const name of names) {
    for (const path of gets) {
      lines.push([
        `GET ${path} ${name.slice(0, 20)}`,
        outcomeOf({ method: "GET", path: path.replace(":", name), headers }),
        "404 not_found",
      ]);
    }
    for (const route of routes) {
      const path = route.path.replace(NAME, name);
      // A restore makes the stock that it names.
      if (path === route.path || path.startsWith("/ops/backup/stock/")) continue;
      const body = JSON.stringify(route.body);
      const asked = { method: route.method, path, headers: { ...JSON_TYPE, ...headers }, body };
      lines.push([`${route.method} ${route.path} ${name.slice(0, 20)}`, outcomeOf(asked), "404 not_found"]);
    }
    for (const path of ["/products/:", "/categories/:"]) {
      const asked = { method: "DELETE", path: path.replace(":", name), headers };
      lines.push([`DELETE ${path} ${name.slice(0, 20)}`, outcomeOf(asked), "404 not_found"]);
    }
  }
  await expectOutcomes(lines);
});

test("an id of another kind, in a body, is named by its field", async () => {
  const { productId, storeId, categoryId, orderId } = world;
  const before = await fingerprintOf(world);
  const line = (
    path: string,
    field: string,
    value: string,
    expected: string,
  ): [string, Promise<string>, string] => {
    const route = routes.find((one) => one.method === "POST" && one.path === path);
    if (!route) throw new Error(`there is no ${path}`);
    const body = JSON.stringify(altered(route.body, field, value));
    return [`${path} ${field}`, sending(route, body), expected];
  };
  await expectOutcomes([
    line("/orders", "items.0.product_id", storeId, "422 unknown_product items.0.product_id"),
    line("/orders", "items.0.product_id", orderId, "422 unknown_product items.0.product_id"),
    line("/orders", "store_id", productId, "422 unknown_store store_id"),
    line("/products", "category_id", productId, "422 invalid_body category_id"),
    line(`/inventory/${productId}/adjust`, "store_id", categoryId, "422 unknown_store store_id"),
    line(`/inventory/${productId}/transfer`, "to_store_id", productId, "422 unknown_store to_store_id"),
    line(`/inventory/${productId}/transfer`, "from_store_id", "sto_x", "422 unknown_store from_store_id"),
  ]);
  expect(await fingerprintOf(world)).toEqual(before);
  expect(await env.DB.prepare("SELECT count(*) AS n FROM idempotency").first("n")).toBe(0);
});
