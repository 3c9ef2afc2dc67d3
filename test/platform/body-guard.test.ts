import { expect, test } from "vitest";
import { signIn } from "../support/sign-in.ts";
import { postJson, probeApp } from "./probe.ts";

const ask = probeApp();
const MEGABYTE = 1_048_576;
const textOf = (size: number) => `{"name":"${"x".repeat(size - 11)}"}`;

async function refusal(path: string, init: RequestInit) {
  const response = await ask(path, init);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return (await response.json()) as { status: number; code: string; errors?: unknown[] };
}

/** A body of unknown length, which counts how much of it was asked for. */
function chunked(chunks: number, size: number) {
  const sent = { bytes: 0 };
  let left = chunks;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left-- === 0) return controller.close();
      sent.bytes += size;
      controller.enqueue(new Uint8Array(size).fill(0x20));
    },
  });
  return { body, sent };
}

test("JSON in UTF-8 passes, by any of its names", async () => {
  for (const type of [
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "APPLICATION/JSON",
    "application/merge-patch+json",
  ]) {
    const response = await ask("/api/v1/probe", postJson({ name: "Café ☕" }, { "Content-Type": type }));
    expect([response.status, await response.json()], type).toEqual([200, { name: "Café ☕" }]);
  }
});

test("what is not JSON by its type is a 415", async () => {
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=iso-8859-1",
    "application/jsonish",
  ]) {
    const fault = await refusal("/api/v1/probe", postJson({ name: "a" }, { "Content-Type": type }));
    expect(fault, type).toMatchObject({ status: 415, code: "unsupported_media_type" });
  }
  const bare = await refusal("/api/v1/probe", { method: "POST", body: new TextEncoder().encode("{}") });
  expect(bare).toMatchObject({ status: 415, code: "unsupported_media_type" });
  const zipped = await refusal("/api/v1/probe", postJson({ name: "a" }, { "Content-Encoding": "gzip" }));
  expect(zipped).toMatchObject({ status: 415, code: "unsupported_media_type" });
});

test("JSON that cannot be read is a 400", async () => {
  const bodies = ['{"name":', "{'name':1}", "nope", '{"name":"a"}x', "   ", '{"a":"\u0000"}'];
  for (const body of bodies) {
    const fault = await refusal("/api/v1/probe", postJson(body));
    expect(fault, body).toMatchObject({ status: 400, code: "invalid_json" });
  }
  const latin1 = new Uint8Array([0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x22, 0xe9, 0x22, 0x7d]);
  const init = { ...postJson(""), body: latin1 };
  expect(await refusal("/api/v1/probe", init)).toMatchObject({ status: 400, code: "invalid_json" });
});

test("JSON of the wrong shape is a 422", async () => {
  for (const body of ["[]", "null", '"text"', "3", "{}", '{"name":3}']) {
    const fault = await refusal("/api/v1/probe", postJson(body));
    expect(fault, body).toMatchObject({ status: 422, code: "invalid_body" });
  }
});

test("no body is a 400 where one is needed, and nothing where none is", async () => {
  const empty: (() => RequestInit)[] = [
    () => ({ method: "POST" }),
    () => ({ method: "POST", body: "" }),
    () => ({ method: "POST", headers: { "Content-Type": "application/json" } }),
    () => postJson(""),
    () => ({ method: "POST", body: chunked(0, 0).body }),
    () => ({ ...postJson(""), body: chunked(0, 0).body }),
  ];
  for (const init of empty) {
    const fault = await refusal("/api/v1/probe", init());
    expect(fault).toMatchObject({
      status: 400,
      code: "invalid_json",
      detail: expect.stringContaining("empty"),
    });
    const cancelled = await ask("/api/v1/probe/1/cancel", init());
    expect([cancelled.status, await cancelled.json()]).toEqual([200, {}]);
  }
  const reasoned = await ask("/api/v1/probe/1/cancel", postJson({ reason: "late" }));
  expect(await reasoned.json()).toEqual({ reason: "late" });
  expect(await refusal("/api/v1/probe/1/cancel", postJson("{"))).toMatchObject({ status: 400 });
});

test("a body of 1 MiB passes, one byte more is a 413", async () => {
  expect((await ask("/api/v1/probe", postJson(textOf(MEGABYTE)))).status).toBe(200);
  const fault = await refusal("/api/v1/probe", postJson(textOf(MEGABYTE + 1)));
  expect(fault).toMatchObject({ status: 413, code: "body_too_large", limit: MEGABYTE });
});

test("nobody's body is read at a route of staff", async () => {
  const { body, sent } = chunked(8, MEGABYTE);
  const init = { ...postJson(""), body };
  expect(await refusal("/api/v1/products/bulk", init)).toMatchObject({
    status: 401,
    code: "unauthenticated",
  });
  // What a stream asks for by itself when it is made.
  expect(sent.bytes).toBeLessThanOrEqual(MEGABYTE);
});

test("a guest's bulk of orders may be of 1 MiB, a customer's of 8", async () => {
  const { headers } = await signIn();
  const large = (more = {}) => postJson(" ".repeat(MEGABYTE + 1), more);
  const guests = await refusal("/api/v1/orders/bulk", large());
  expect(guests).toMatchObject({ status: 413, limit: MEGABYTE });
  expect((await refusal("/api/v1/orders/bulk", large(headers))).status).toBe(400);
});

test("the bulk routes take 8 MiB", async () => {
  // Read, and then refused for what it is.
  const { headers } = await signIn();
  for (const path of ["/api/v1/orders/bulk", "/api/v1/orders/bulk/"]) {
    expect(await refusal(path, postJson(textOf(8 * MEGABYTE), headers))).toMatchObject({
      status: 422,
      errors: [{ field: "orders" }, { field: "name" }],
    });
  }
  const fault = await refusal("/api/v1/orders/bulk", postJson(textOf(8 * MEGABYTE + 1), headers));
  expect(fault).toMatchObject({ status: 413, code: "body_too_large" });
});

test("a body that never says its length is not read beyond the limit", async () => {
  const { body, sent } = chunked(1000, 65_536);
  const fault = await refusal("/api/v1/probe", { ...postJson(""), body });
  expect(fault).toMatchObject({ status: 413, code: "body_too_large" });
  expect(sent.bytes).toBeLessThan(2 * MEGABYTE);
  const short = chunked(2, 10);
  expect(await refusal("/api/v1/probe", { ...postJson(""), body: short.body })).toMatchObject({
    status: 400,
  });
});

test("nesting has an end", async () => {
  const nested = (depth: number) => `{"name":"a","in":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  expect((await ask("/api/v1/probe", postJson(nested(63)))).status).toBe(200);
  expect(await refusal("/api/v1/probe", postJson(nested(64)))).toMatchObject({
    status: 400,
    code: "invalid_json",
  });
  expect(await refusal("/api/v1/probe", postJson("[".repeat(1_000_000)))).toMatchObject({ status: 400 });
  const bracketsInText = JSON.stringify({ name: `\\"${"[".repeat(1000)}` });
  expect((await ask("/api/v1/probe", postJson(bracketsInText))).status).toBe(200);
});

test("text that the database would change is a 422 that names the field", async () => {
  const faults = [
    ['{"name":"a\\u0000b"}', "name"],
    ['{"name":"a","deep":[{"x":"\\ud800"}]}', "deep.0.x"],
    ['{"name":"\\uDC00\\uD83D"}', "name"],
    ['{"name":"a","k\\u0000":1}', "k\u0000"],
  ] as const;
  for (const [body, field] of faults) {
    const fault = await refusal("/api/v1/probe", postJson(body));
    expect(fault, body).toMatchObject({
      status: 422,
      code: "invalid_body",
      errors: [{ field, code: "invalid_characters" }],
    });
  }
  const emoji = await ask("/api/v1/probe", postJson('{"name":"\\ud83d\\ude00 \\\\ud800"}'));
  expect(await emoji.json()).toEqual({ name: "😀 \\ud800" });
});
