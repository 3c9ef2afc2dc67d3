import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { formatMoney, parseAmount } from "../../src/platform/money.ts";

test("money keeps each currency's own digits", () => {
  expect(formatMoney({ amount: 1999, currency: "USD" })).toEqual({ amount: "19.99", currency: "USD" });
  expect(formatMoney({ amount: 1999, currency: "JPY" })).toEqual({ amount: "1999", currency: "JPY" });
  expect(formatMoney({ amount: 1999, currency: "KWD" })).toEqual({ amount: "1.999", currency: "KWD" });
  expect(parseAmount("19.99", "USD")).toBe(1999);
  expect(parseAmount("19.999", "USD")).toBeNull();
  expect(parseAmount("5", "KWD")).toBe(5000);
});

test("what is not there is a 404 problem with the request's id", async () => {
  const response = await exports.default.fetch("http://shop.test/api/v1/nothing", {
    headers: { "X-Request-Id": "r-1" },
  });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: "not_found", request_id: "r-1" });
});
