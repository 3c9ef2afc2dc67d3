import { z } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import { countrySchema } from "../../src/platform/country.ts";
import { anyOf } from "../../src/platform/http/any-of.ts";
import { fieldErrors } from "../../src/platform/http/problem.ts";
import { momentSchema } from "../../src/platform/http/range.ts";

/** What a person reads for each kind of fault, with the schema as it stands in a request. */
const MISSING = undefined;
const address = z.strictObject({ city: z.string(), country: countrySchema });
const either = z.union([z.strictObject({ amount: z.string().max(20) }), z.string().max(20)]);

const WORDS: [schema: z.ZodType, value: unknown, words: string][] = [
  [z.string(), MISSING, "is required: text"],
  [z.string(), 7, "must be text"],
  [z.string(), null, "must be text"],
  [z.string().min(1).max(200), MISSING, "is required: text of 1 to 200 characters"],
  [z.string().trim().min(1).max(200), "  ", "must be text of 1 to 200 characters"],
  [z.string().max(5), "123456", "must be text of at most 5 characters"],
  [z.string().min(5), "1", "must be text of at least 5 characters"],
  [z.string().length(3), "US", "must be text of 3 characters"],
  [z.string().optional(), 7, "must be text"],
  [z.string().nullish(), 7, "must be text"],
  [z.string().default("x"), 7, "must be text"],
  [z.email().max(254), "ada@", "must be an e-mail address"],
  [z.email(), MISSING, "is required: an e-mail address"],
  [z.iso.date(), "2026-02-30", "must be a date such as 2026-11-20"],
  [z.iso.datetime({ offset: true }), "now", "must be a stamp such as 2026-11-20T12:00:00Z"],
  [momentSchema, "now", "must be a date such as 2026-11-20 or a stamp such as 2026-11-20T12:00:00Z"],
  [z.string().regex(/^\d+$/), "x", "must be text"],
  [z.int().min(1).max(100), MISSING, "is required: a whole number from 1 to 100"],
  [z.int().min(1).max(100), 101, "must be a whole number from 1 to 100"],
  [z.int().min(1).max(100), 0, "must be a whole number from 1 to 100"],
  [z.int().min(1).max(100), 1.5, "must be a whole number from 1 to 100"],
  [z.int().min(1).max(100), "2", "must be a whole number from 1 to 100"],
  [z.int().min(0), -1, "must be a whole number from 0"],
  [z.int(), Number.POSITIVE_INFINITY, "must be a whole number"],
  [z.number(), "x", "must be a number"],
  [z.number().max(1), 2, "must be a number up to 1"],
  [z.int().multipleOf(5), 7, "must be a multiple of 5"],
  [z.coerce.number().int().min(1), "x", "must be a whole number from 1"],
  [z.boolean(), "true", "must be true or false"],
  [z.boolean(), MISSING, "is required: true or false"],
  [z.enum(["low", "high"]), MISSING, "is required: one of low, high"],
  [z.enum(["low", "high"]), "HIGH", "must be one of low, high"],
  [z.literal("Bearer"), "x", "must be Bearer"],
  [anyOf(["low", "high"]), "low,no", "must be one or more of low, high, with commas between"],
  [z.array(z.string()).min(1).max(100), [], "must be a list of 1 to 100 items"],
  [z.array(z.string()).max(1), ["a", "b"], "must be a list of at most 1 items"],
  [z.array(z.string()), {}, "must be a list"],
  [address, MISSING, "is required: an object with city, country"],
  [address, [], "must be an object with city, country"],
  [z.strictObject({ a: z.string().optional() }), 7, "must be an object"],
  [z.record(z.string().max(3), z.unknown()), [], "must be an object"],
  [
    z.record(z.string().max(3), z.unknown()),
    { long: 1 },
    "has a name that is not allowed: must be text of at most 3 characters",
  ],
  [either, MISSING, "is required: an object with amount or text of at most 20 characters"],
  [either, 7, "must be an object with amount or text of at most 20 characters"],
  [either, "x".repeat(21), "must be text of at most 20 characters"],
  [either, {}, "is required: text of at most 20 characters"],
  [
    z.strictObject({ colour: z.string() }),
    { colour: "x", color: 1 },
    "is not known here: did you mean colour?",
  ],
  [z.strictObject({ a: z.int() }), { a: 1, zzz: 1 }, "is not known here; known are a"],
  [z.strictObject({}), { zzz: 1 }, "is not known here"],
  [z.string().refine((text) => text === "x"), "y", "is wrong"],
  [z.string().refine((text) => text === "x", "is not x"), "y", "is not x"],
  [z.string({ error: "is missing" }), MISSING, "is missing"],
  [countrySchema, "UK", "is not an ISO 3166-1 alpha-2 code: did you mean GB?"],
  [z.custom((value) => value === 1), 2, "is wrong"],
  [z.instanceof(Date), 2, "is wrong"],
  [z.never(), 2, "is wrong"],
];

test.each(WORDS)("%#: a person reads of it", (schema, value, words) => {
  const read = schema.safeParse(value);
  expect(read.success).toBe(false);
  expect(fieldErrors(read.error?.issues ?? []).map(({ message }) => message)).toEqual([words]);
});

test("each fault of a body is told by its path", () => {
  const schema = z.strictObject({ items: z.array(address), total: either.optional() });
  const read = schema.safeParse({
    items: [{ city: "Leiden", country: "NL" }, { city: 7 }],
    total: { amont: "1" },
  });
  expect(fieldErrors(read.error?.issues ?? []).map(({ field, message }) => `${field} ${message}`)).toEqual([
    "items.1.city must be text",
    "items.1.country is required: text",
    "total.amount is required: text of at most 20 characters",
    "total.amont is not known here: did you mean amount?",
  ]);
});
