import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { isoTimestamp } from "../../src/platform/clock.ts";
import { testClock } from "../support/clock.ts";
import { signIn } from "../support/sign-in.ts";
import worker from "../support/worker.ts";

const PAGE = "http://shop.test/api/v1/emails";

async function givenEmails(...addresses: string[]): Promise<void> {
  await env.DB.batch(
    addresses.map((to, index) =>
      env.DB.prepare(
        `INSERT INTO emails (work_id, to_address, subject, text, html, sent_at)
         VALUES ('wrk_1', ?1, 'subject', 'text', '<p>html</p>', ?2)`,
      ).bind(to, testClock.now() + index),
    ),
  );
}

interface Page {
  next_cursor: string | null;
  results: { id: string; to: string }[];
}

describe("GET /emails", () => {
  test("an admin reads what was sent, newest first", async () => {
    await givenEmails("ada@example.com", "eve@example.com");
    const { headers } = await signIn("admin");
    const response = await exports.default.fetch(PAGE, { headers });
    expect(response.status).toBe(200);
    const kept = { subject: "subject", text: "text", html: "<p>html</p>" };
    expect(await response.json()).toEqual({
      count: 2,
      page: 1,
      page_size: 20,
      total_pages: 1,
      has_next: false,
      has_previous: false,
      next_cursor: null,
      results: [
        { id: "2", to: "eve@example.com", ...kept, sent_at: isoTimestamp(testClock.now() + 1) },
        { id: "1", to: "ada@example.com", ...kept, sent_at: isoTimestamp(testClock.now()) },
      ],
    });
  });

  test("one behind ten thousand to others is found by going on", async () => {
    await givenEmails("ada@example.com");
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
       INSERT INTO emails (work_id, to_address, subject, text, html, sent_at)
       SELECT 'wrk_1', 'eve@example.com', 'subject', 'text', '<p>html</p>', ?1 + i FROM n`,
    )
      .bind(testClock.now())
      .run();
    const { headers } = await signIn("admin");
    const read = async (query: string): Promise<Page> =>
      (await exports.default.fetch(`${PAGE}?to=ada@example.com${query}`, { headers })).json();
    const first = await read("");
    expect(first).toMatchObject({ count: null, has_next: true, results: [] });
    expect((await read(`&cursor=${first.next_cursor}`)).results.map(({ id }) => id)).toEqual(["1"]);
  });

  test("by page, by cursor, and by address whatever its case", async () => {
    await givenEmails("a@example.com", "b@example.com", "C@example.com");
    const { headers } = await signIn("admin");
    const read = async (query: string): Promise<Page> =>
      (await exports.default.fetch(`${PAGE}?${query}`, { headers })).json();
    const first = await read("page_size=2");
    expect(first.results.map(({ id }) => id)).toEqual(["3", "2"]);
    expect((await read("page_size=2&page=2")).results.map(({ id }) => id)).toEqual(["1"]);
    expect((await read(`page_size=2&cursor=${first.next_cursor}`)).results.map(({ id }) => id)).toEqual([
      "1",
    ]);
    expect(await read("to=c@EXAMPLE.com")).toMatchObject({ count: 1, results: [{ id: "3" }] });
    expect(await read("to=nobody@example.com")).toMatchObject({ count: 0, results: [] });
  });

  test.each(["cursor=garbage", `cursor=${btoa('["a","b"]')}`, "page=0", "page_size=x"])(
    "%s: 400",
    async (query) => {
      const { headers } = await signIn("admin");
      const response = await exports.default.fetch(`${PAGE}?${query}`, { headers });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        code: "invalid_query",
        errors: [{ field: query.split("=")[0] }],
      });
    },
  );

  test("nobody else does", async () => {
    expect((await exports.default.fetch(PAGE)).status).toBe(401);
    expect((await exports.default.fetch(PAGE, await signIn("customer"))).status).toBe(403);
    expect((await exports.default.fetch(PAGE, await signIn("staff"))).status).toBe(403);
  });

  test("in production there is no such page, even for an admin", async () => {
    const { headers } = await signIn("admin");
    const production = { ...env, ENVIRONMENT: "production", MAIL_FROM: "Shop <orders@shop.example>" };
    const request = new Request<unknown, IncomingRequestCfProperties>(PAGE, { headers });
    const response = await worker.fetch(request, production, createExecutionContext());
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "not_found" });
  });
});
