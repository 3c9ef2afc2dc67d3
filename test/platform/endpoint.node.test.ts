import { z } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import { createRoute, endpoint } from "../../src/platform/http/endpoint.ts";
import { notFound, problem } from "../../src/platform/http/problem.ts";
import { createRouter, jsonContent, problems } from "../../src/platform/http/router.ts";

const route = createRoute({
  method: "get",
  path: "/things/{id}",
  permission: null,
  request: { params: z.object({ id: z.string() }) },
  responses: {
    200: jsonContent(z.object({ id: z.string() }), "The thing"),
    204: { description: "Nothing" },
    ...problems("not_found"),
  },
});

test("a route answers what it declares", async () => {
  const router = createRouter(
    endpoint(route, (c) => {
      const { id } = c.req.valid("param");
      return id === "none" ? problem(c, notFound("thing")) : c.json({ id }, 200);
    }),
  );
  const answers = await Promise.all([router.request("/things/one"), router.request("/things/none")]);
  expect(answers.map(({ status }) => status)).toEqual([200, 404]);
  expect(await answers[0]?.json()).toEqual({ id: "one" });
});

test("another answer does not compile", () => {
  // It is tsc that tests these: it refuses each, and would refuse the comment above one that it takes.
  const refused = [
    // @ts-expect-error a problem that is not returned
    endpoint(route, (c) => {
      problem(c, notFound("thing"));
    }),
    // @ts-expect-error a problem that is not returned on one way
    endpoint(route, async (c) => {
      if (c.req.valid("param").id === "none") problem(c, notFound("thing"));
      else return c.json({ id: "one" }, 200);
    }),
    // @ts-expect-error a status that is not declared
    endpoint(route, (c) => c.json({ id: "one" }, 201)),
    // @ts-expect-error a status that is not declared, without a body
    endpoint(route, async (c) => c.body(null, 304)),
    // @ts-expect-error another body than the schema's
    endpoint(route, (c) => c.json({ name: "one" }, 200)),
    // @ts-expect-error text where JSON is declared
    endpoint(route, (c) => c.text("one", 200)),
    // @ts-expect-error a failure's status with what is no problem
    endpoint(route, (c) => c.json({ id: "one" }, 404)),
    // @ts-expect-error an answer of which nothing is known
    endpoint(route, () => new Response("one")),
  ];
  expect(refused).toHaveLength(8);
});

const LOOSE: [what: string, request: object, where: string][] = [
  ["a query", { query: z.object({ q: z.string() }) }, "query"],
  ["a body", { body: bodyOf(z.object({ a: z.string() })) }, "body"],
  ["a body that says so", { body: bodyOf(z.looseObject({ a: z.string() })) }, "body"],
  ["a field", { body: bodyOf(z.strictObject({ a: z.object({}).optional() })) }, "body.a"],
  ["an item", { body: bodyOf(z.strictObject({ a: z.array(z.object({})).min(1).nullish() })) }, "body.a.0"],
  [
    "one of two forms",
    { body: bodyOf(z.strictObject({ a: z.union([z.string(), z.object({})]) })) },
    "body.a",
  ],
  ["behind a change", { body: bodyOf(z.preprocess((value) => value, z.object({}))) }, "body"],
  ["before a change", { body: bodyOf(z.object({}).transform(() => 1)) }, "body"],
  [
    "in a free object",
    { body: bodyOf(z.strictObject({ a: z.record(z.string(), z.object({})) })) },
    "body.a.*",
  ],
];

test.each(LOOSE)("a route that would take unknown fields is none: %s", (_, request, where) => {
  const make = () =>
    endpoint({ ...route, method: "post", request } as unknown as typeof route, (c) =>
      c.json({ id: "" }, 200),
    );
  expect(make).toThrow(`make it z.strictObject: post /things/{id}: ${where}`);
});

test("a route that takes what it knows, and free objects, is one", () => {
  const body = z.strictObject({
    a: z.array(z.strictObject({})),
    metadata: z.record(z.string(), z.unknown()),
  });
  const request = { params: z.object({ id: z.string() }), query: z.strictObject({}), body: bodyOf(body) };
  expect(() => endpoint({ ...route, request }, (c) => c.json({ id: "" }, 200))).not.toThrow();
});

function bodyOf(schema: z.ZodType) {
  return { content: { "application/json": { schema } } };
}
