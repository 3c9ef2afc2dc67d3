import { expect, test } from "vitest";
import { nearestName } from "../../src/platform/nearest.ts";

const ORDER = [
  "items",
  "store_id",
  "customer",
  "shipping_address",
  "priority",
  "payment_method",
  "notes",
  "metadata",
];
const QUERY = ["page", "page_size", "status", "payment_status", "store_id", "customer_email", "from", "to"];

const NEAREST: [typed: string, known: string[], nearest: string | null][] = [
  ["payment_metod", ORDER, "payment_method"],
  ["paymentMethod", ORDER, "payment_method"],
  ["payment-method", ORDER, "payment_method"],
  ["PAYMENT_METHOD", ORDER, "payment_method"],
  ["itmes", ORDER, "items"],
  ["item", ORDER, "items"],
  ["note", ORDER, "notes"],
  ["store", ORDER, "store_id"],
  ["address", ORDER, "shipping_address"],
  ["email", QUERY, "customer_email"],
  ["stauts", QUERY, "status"],
  ["form", QUERY, "from"],
  ["colour", ORDER, null],
  ["x", ORDER, null],
  ["__proto__", ORDER, null],
  ["", ORDER, null],
  ["___", ORDER, null],
  ["payment_method".repeat(5), ORDER, null],
  ["page", [], null],
];

test.each(NEAREST)("%s", (typed, known, nearest) => {
  expect(nearestName(typed, known)).toBe(nearest);
});
