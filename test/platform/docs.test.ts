import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { operationId } from "../../src/platform/http/openapi.ts";
import { FIELD_CODES, PROBLEM_CODES, type ProblemCode, statusesOf } from "../../src/problem-codes.ts";
import { type ApiDocument, codesOf, operationsOf, replyOf } from "../support/contract.ts";

const get = (path: string, headers: Record<string, string> = {}) =>
  exports.default.fetch(`http://shop.test${path}`, { headers });

interface OpenApi extends ApiDocument {
  openapi: string;
  info: { title: string; version: string; description: string };
  servers: { url: string }[];
  tags: { name: string; description: string }[];
  components: ApiDocument["components"] & { securitySchemes: Record<string, { description?: string }> };
}

const describe = async () => (await get("/openapi.json")).json<OpenApi>();

test("the document names the product, its server and how to sign in", async () => {
  const document = await describe();
  expect(document).toMatchObject({
    openapi: "3.1.0",
    info: { title: "Holdfast", version: expect.any(String) },
    servers: [{ url: "http://shop.test" }],
    components: { securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
  });
  const elsewhere = await exports.default.fetch("https://api.example/openapi.json");
  expect((await elsewhere.json<OpenApi>()).servers).toEqual([{ url: "https://api.example" }]);
});

test("every operation has an id of its own, words, its path's parameters, its answers and who may call it", async () => {
  const document = await describe();
  const operations = operationsOf(document);
  expect(operations.length).toBeGreaterThan(0);
  const lacking = operations.flatMap(({ name, path, operation }) => {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, word]) => word);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
    const answers = Object.keys(operation.responses).map((status) => ({
      status,
      reply: replyOf(document, operation, status),
    }));
    const takesKey = (operation.parameters ?? []).some((one) => one.name === "idempotency-key");
    const lacks = {
      "an id": !operation.operationId,
      "a summary": !operation.summary,
      "a description": !operation.description,
      "a parameter of its path": named.some((word) => !declared.some((parameter) => parameter.name === word)),
      "a success": !answers.some(({ status }) => status.startsWith("2")),
      "words for each answer": answers.some(({ reply }) => !reply?.description),
      "the request's id in each answer": answers.some(({ reply }) => !reply?.headers?.["X-Request-Id"]),
      "its security, [] where it is public": operation.security === undefined,
      "what a replay looks like":
        takesKey && !answers.some(({ reply }) => reply?.headers?.["Idempotency-Replayed"]),
      "codes for each refusal": answers.some(
        ({ status, reply }) =>
          Number(status) >= 400 &&
          Object.entries(reply?.content ?? {}).some(
            ([type, content]) => type.includes("problem") && codesOf(content).length === 0,
          ),
      ),
    };
    const missing = Object.entries(lacks).flatMap(([what, isMissing]) => (isMissing ? [what] : []));
    return missing.length === 0 ? [] : [`${name} lacks ${missing.join(", ")}`];
  });
  expect(lacking).toEqual([]);
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test("each credential that an operation names is described", async () => {
  const document = await describe();
  const { securitySchemes } = document.components;
  const used = operationsOf(document).flatMap(({ operation }) =>
    (operation.security ?? []).flatMap(Object.keys),
  );
  expect([...new Set(used)].sort()).toEqual(Object.keys(securitySchemes).sort());
  expect(Object.values(securitySchemes).filter(({ description }) => !description)).toEqual([]);
});

test("the headings stand in the order in which a newcomer needs them, backup last, each with words", async () => {
  const document = await describe();
  const headings = operationsOf(document).map(({ operation }) => operation.tags.join(", "));
  expect([...new Set(headings)]).toEqual([
    "Accounts",
    "Catalogue",
    "Carts",
    "Orders",
    "Payments",
    "Stores",
    "Fulfilment",
    "Inventory",
    "Operations",
    "Backup",
  ]);
  expect(document.tags.map(({ name }) => name)).toEqual([...new Set(headings)]);
  expect(document.tags.filter(({ description }) => !description)).toEqual([]);
});

test("the page begins with how to start", async () => {
  const { description } = (await describe()).info;
  for (const step of ["/products", "/orders", "/payments", "/auth/token", "X-Order-Token", "/docs/errors"]) {
    expect(description).toContain(step);
  }
});

test("money that may be null is money or null; a field with a default may be left out of a request", async () => {
  const { schemas } = (await describe()).components;
  expect(schemas.FlaggedPaymentEvent?.properties?.amount).toMatchObject({
    anyOf: [{ $ref: "#/components/schemas/Money" }, { type: "null" }],
  });
  expect(schemas.PlaceOrder?.required).toEqual(["items"]);
  expect(JSON.stringify(schemas.PlaceOrder)).not.toContain('"default"');
  expect(schemas.PlaceOrder?.properties?.priority).toMatchObject({
    description: '`"normal"` where it is left out',
  });
});

test("every code that the program has is answered by some operation, and has its row in /docs/errors", async () => {
  const document = await describe();
  const listed = new Set(
    operationsOf(document).flatMap(({ operation }) =>
      Object.keys(operation.responses).flatMap((status) =>
        Object.values(replyOf(document, operation, status)?.content ?? {}).flatMap(codesOf),
      ),
    ),
  );
  const others = ["internal_error", "method_not_allowed", "host_not_allowed", "refused", "others_not_placed"];
  expect(
    Object.keys(PROBLEM_CODES)
      .filter((code) => !listed.has(code))
      .sort(),
  ).toEqual([...others].sort());

  const page = await get("/docs/errors");
  expect(page.headers.get("content-security-policy")).not.toMatch(/unsafe|https?:|\*/);
  const html = await page.text();
  expect(html).not.toMatch(/<script|<style|style=| on\w+=/);
  const rows = [
    ...html.matchAll(/<tr id="(?!field-)(\w+)"><td><code>\1<\/code><\/td><td>([\d, ]+)<\/td><td>./g),
  ];
  const told = Object.fromEntries(rows.map(([, code = "", statuses]) => [code, statuses]));
  expect(told).toEqual(
    Object.fromEntries(
      (Object.keys(PROBLEM_CODES) as ProblemCode[]).map((code) => [code, statusesOf(code).join(", ")]),
    ),
  );
  for (const code of Object.keys(FIELD_CODES)) expect(html).toContain(`<tr id="field-${code}">`);
  expect((await get("/docs/errors.css")).headers.get("content-type")).toContain("text/css");
});

test("a problem's type leads to its code", async () => {
  const { type, code } = await (await get("/api/v1/orders/ord_none")).json<{ type: string; code: string }>();
  const [page = "", anchor] = type.split("#");
  expect(anchor).toBe(code);
  expect(await (await get(page)).text()).toContain(`id="${anchor}"`);
});

test("every reference in the document leads somewhere", async () => {
  const document = await describe();
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
  expect(references.length).toBeGreaterThan(0);
  const missing = references
    .map(([, name]) => name ?? "")
    .filter((name) => !(name in document.components.schemas));
  expect(missing).toEqual([]);
});

test("an operation's id is made of its method and path", () => {
  expect(operationId("post", "/api/v1/orders/{id}/cancel", "/api/v1")).toBe("postOrdersByIdCancel");
  expect(operationId("get", "/.well-known/jwks.json", "/api/v1")).toBe("getWellKnownJwksJson");
});

test("/docs is a page whose every part comes from here", async () => {
  const page = await get("/docs");
  expect(page.headers.get("content-type")).toContain("text/html");
  const html = await page.text();
  const parts = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? "");
  expect(parts).toHaveLength(4);
  for (const part of parts) {
    expect(part).toMatch(/^\/docs\//);
    const answer = await get(part);
    expect(answer.status, part).toBe(200);
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(50);
  }
  expect((await get("/docs/assets/swagger-ui-bundle.js")).headers.get("content-type")).toContain(
    "javascript",
  );
  expect((await get("/docs/assets/swagger-ui.css")).headers.get("content-type")).toContain("text/css");
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  expect(html).not.toMatch(/<script>|<style|style=| on\w+=/);
});

test("no other file of the assets is served", async () => {
  for (const file of ["package.json", "index.html", "swagger-ui.js.map", "..%2fpackage.json"]) {
    expect((await get(`/docs/assets/${file}`)).status, file).toBe(404);
  }
  expect((await get("/package.json")).status).toBe(404);
});

test("an asset that the browser has is not sent again", async () => {
  const first = await get("/docs/assets/swagger-ui.css");
  await first.arrayBuffer();
  const again = await get("/docs/assets/swagger-ui.css", {
    "If-None-Match": first.headers.get("etag") ?? "",
  });
  expect(again.status).toBe(304);
});
