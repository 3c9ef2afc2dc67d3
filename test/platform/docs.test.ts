import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { operationId } from "../../src/platform/http/openapi.ts";

const get = (path: string, headers: Record<string, string> = {}) =>
  exports.default.fetch(`http://shop.test${path}`, { headers });

interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  parameters?: { name: string; in: string }[];
  responses: Record<string, { description?: string }>;
}

interface OpenApi {
  openapi: string;
  info: { title: string; version: string };
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; securitySchemes: Record<string, unknown> };
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

test("every operation has an id of its own, a summary, its path's parameters and its answers", async () => {
  const { paths } = await describe();
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation })),
  );
  expect(operations.length).toBeGreaterThan(0);
  const lacking = operations.filter(({ path, operation }) => {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
    const answers = Object.entries(operation.responses);
    return (
      !operation.operationId ||
      !operation.summary ||
      named.some((name) => !declared.some((parameter) => parameter.name === name)) ||
      !answers.some(([status]) => status.startsWith("2")) ||
      !operation.responses.default ||
      answers.some(([, answer]) => answer.description === undefined)
    );
  });
  expect(lacking.map(({ name }) => name)).toEqual([]);
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test("every operation stands under one heading, and a heading is written one way", async () => {
  const { paths } = await describe();
  const headings = Object.values(paths).flatMap((item) =>
    Object.values(item).map(({ tags = [] }) => tags.join(", ")),
  );
  expect([...new Set(headings)].sort()).toEqual([
    "Accounts",
    "Carts",
    "Catalogue",
    "Fulfilment",
    "Inventory",
    "Operations",
    "Orders",
    "Payments",
    "Stores",
  ]);
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
