import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { orm } from "../../src/platform/d1.ts";
import { isUnavailable } from "../../src/platform/http/errors.ts";
import { describeError } from "../../src/platform/log.ts";

test("a query that failed is told by what D1 said, not by its parameters", async () => {
  const query = orm(env.DB).run(sql`SELECT ${"ada@shop.example is overloaded"} FROM nowhere`);
  const error = await query.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(String(error)).toContain("ada@shop.example");
  expect(describeError(error)).toContain("no such table: nowhere");
  expect(describeError(error)).not.toContain("ada@shop.example");
  expect(isUnavailable(error)).toBe(false);
});
