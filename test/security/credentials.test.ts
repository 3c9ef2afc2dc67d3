import { base64url, generateKeyPair, SignJWT } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { testClock } from "../support/clock.ts";
import { type Asked, expectOutcomes, JSON_TYPE, outcomeOf } from "./outcomes.ts";
import { type BodyRoute, bodyRoutes, fingerprintOf, givenWorld, type World } from "./routes.ts";

let world: World;
let routes: BodyRoute[];
beforeEach(async () => {
  world = await givenWorld();
  routes = bodyRoutes(world);
});

describe("a credential that is no good", () => {
  const nowSeconds = () => Math.floor(testClock.now() / 1_000);

  async function badTokens(): Promise<Record<string, string>> {
    const { token } = world.admin;
    const [header = "", payload = "", signature = ""] = token.split(".");
    const encode = (value: unknown) => base64url.encode(JSON.stringify(value));
    const claims = JSON.parse(new TextDecoder().decode(base64url.decode(payload)));
    const foreign = await generateKeyPair("EdDSA");
    const sign = (more: Record<string, unknown>) =>
      new SignJWT({ ...claims, ...more })
        .setProtectedHeader({ alg: "EdDSA", kid: "test", typ: "at+jwt" })
        .sign(foreign.privateKey);
    return {
      "no token": "",
      garbage: "x.y.z",
      altered: `${header}.${encode({ ...claims, sub: "usr_other" })}.${signature}`,
      "alg none": `${encode({ alg: "none", kid: "test", typ: "at+jwt" })}.${payload}.`,
      unsigned: `${header}.${payload}.`,
      "signed by another": await sign({ exp: nowSeconds() + 60 }),
    };
  }

  const GETS = ["/orders", "/me", "/me/sessions", "/inventory", "/users", "/emails", "/products", "/stores"];
  const calls = (): Asked[] => [
    ...routes
      .filter(({ path }) => !path.startsWith("/auth/"))
      .map(({ method, path, body }) => ({ method, path, body: JSON.stringify(body) })),
    ...GETS.map((path) => ({ method: "GET", path })),
    { method: "DELETE", path: `/products/${world.productId}` },
    { method: "DELETE", path: `/categories/${world.categoryId}` },
    { method: "GET", path: `/orders/${world.orderId}` },
    { method: "GET", path: `/inventory/${world.productId}` },
  ];

  test("is a 401 everywhere, even where none is needed", async () => {
    const before = await fingerprintOf(world);
    const lines: [string, Promise<string>, string][] = [];
    for (const [what, token] of Object.entries(await badTokens())) {
      for (const call of calls()) {
        const headers = { ...JSON_TYPE, Authorization: `Bearer ${token}` };
        lines.push([
          `${what}, ${call.method} ${call.path}`,
          outcomeOf({ ...call, headers }),
          "401 invalid_token",
        ]);
      }
    }
    await expectOutcomes(lines);
    expect(await fingerprintOf(world)).toEqual(before);
  });

  test("an expired one too", async () => {
    testClock.advance(31 * 24 * 3_600_000);
    await expectOutcomes(
      calls().map((call) => [
        `${call.method} ${call.path}`,
        outcomeOf({ ...call, headers: { ...JSON_TYPE, ...world.admin.headers } }),
        "401 invalid_token",
      ]),
    );
  });

  test("one of too low a role is a 403, and none at all a 401", async () => {
    const before = await fingerprintOf(world);
    const rank = ["guest", "customer", "staff", "admin"] as const;
    const lines: [string, Promise<string>, string][] = [];
    for (const route of routes) {
      for (const who of rank.slice(0, rank.indexOf(route.as))) {
        const headers = who === "guest" ? JSON_TYPE : { ...JSON_TYPE, ...world[who].headers };
        const { method, path } = route;
        const outcome = outcomeOf({ method, path, headers, body: JSON.stringify(route.body) });
        // An order or a cart that is not yours is not there.
        const refused =
          /^\/orders\/ord_\w+(\/cancel)?$/.test(path) || path.startsWith("/carts/")
            ? "404 not_found"
            : "403 forbidden";
        const expected = who === "guest" && refused !== "404 not_found" ? "401 unauthenticated" : refused;
        lines.push([`${who}, ${method} ${path}`, outcome, expected]);
      }
    }
    await expectOutcomes(lines);
    expect(await fingerprintOf(world)).toEqual(before);
  });
});
