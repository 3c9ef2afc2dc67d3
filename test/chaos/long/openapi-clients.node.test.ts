import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { projectRoot } from "../../../src/cli/wrangler.ts";
import { type ApiDocument, contractOf, operationsOf } from "../../support/contract.ts";
import { placedOrder, placeOrder, stockProducts } from "../../support/http-shop.ts";
import { adminApi, removeState, type Server, startServer } from "../../support/server.ts";

const run = promisify(execFile);

let server: Server;
let directory: string;
let document: ApiDocument;
/** Where the document is, as it is served. */
let file: string;

beforeAll(async () => {
  server = await startServer();
  // Inside of the project, so that what is generated there finds its packages.
  mkdirSync(join(projectRoot, ".wrangler"), { recursive: true });
  directory = mkdtempSync(join(projectRoot, ".wrangler", "openapi-"));
  file = join(directory, "openapi.json");
  writeFileSync(file, await (await fetch(`${server.url}/openapi.json`)).text());
  document = JSON.parse(readFileSync(file, "utf8"));
}, 180_000);

afterAll(async () => {
  await server.stop();
  removeState(server.stateDir);
  rmSync(directory, { recursive: true, force: true });
});

/** Runs a tool of node_modules, and fails with all that it printed. */
async function tool(path: string, ...given: string[]): Promise<string> {
  const environment = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const command = [join(projectRoot, path), ...given];
  const done = await run(process.execPath, command, { cwd: directory, env: environment }).catch(
    ({ stdout, stderr }: { stdout: string; stderr: string }) => {
      throw new Error(`${path}:\n${stdout}${stderr}`);
    },
  );
  return done.stdout;
}

test("redocly finds nothing by its strictest rules, without exceptions", async () => {
  await tool("node_modules/@redocly/cli/bin/cli.js", "lint", file, "--extends", "recommended-strict");
});

/** A buyer's program, as somebody would write it who has the generated types alone. */
const CLIENT = `
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

const shop = createClient<paths>({ baseUrl: process.argv[2] ?? "" });

const { data: products } = await shop.GET("/api/v1/products", { params: { query: { page_size: 1 } } });
const product = products?.results[0];
if (!product) throw new Error("nothing is on sale");

// What has a default may be left out: neither priority nor payment_method stands here.
const order: components["schemas"]["PlaceOrder"] = {
  items: [{ product_id: product.id, quantity: 1 }],
  customer: { name: "Ada", email: "ada@shop.example" },
};
const placed = await shop.POST("/api/v1/orders", {
  params: { header: { "idempotency-key": "a-key-of-a-generated-client" } },
  body: order,
});
if (!placed.data) throw new Error(placed.error?.code);
const { id, access_token: token = "" } = placed.data;

const read = await shop.GET("/api/v1/orders/{id}", {
  params: { path: { id } },
  headers: { "X-Order-Token": token },
});
const total: string | undefined = read.data?.totals.total.amount;

const refused = await shop.POST("/api/v1/orders", { body: { ...order, items: [{ product_id: "prd_none", quantity: 1 }] } });
// The codes of a refusal are those that the operation lists; another would not compile.
const isUnknown = refused.error?.code === "unknown_product";
console.log(JSON.stringify({ id, status: read.data?.status, total, isUnknown, key: placed.response.headers.get("x-request-id") !== null }));
`;

test("openapi-typescript, with its own defaults, makes a client that compiles and places an order", async () => {
  await tool(
    "test/openapi/node_modules/openapi-typescript/bin/cli.js",
    file,
    "-o",
    join(directory, "api.ts"),
  );
  writeFileSync(join(directory, "client.ts"), CLIENT);
  const compilerOptions = {
    ...{ strict: true, noUncheckedIndexedAccess: true, noEmit: true, allowImportingTsExtensions: true },
    ...{ module: "nodenext", target: "es2024", lib: ["es2024", "dom"], types: ["node"] },
  };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["client.ts"] }));
  writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  await tool("node_modules/typescript/bin/tsc", "-p", directory);
  const told = JSON.parse(await tool(join(directory, "client.ts").slice(projectRoot.length), server.url));
  expect(told).toEqual({
    id: expect.stringMatching(/^ord_/),
    status: "pending",
    total: expect.stringMatching(/^\d+\.\d\d$/),
    isUnknown: true,
    key: true,
  });
});

interface Heard {
  request: { method: string; url: { getPath(): string } };
  response?: {
    code: number;
    headers: { toObject(): Record<string, string> };
    text(): string;
  };
}

/** Of some hundred operations. Others need what an earlier one has used up, or a restore that is under way. */
const LEAST_SUCCESSES = 60;

const require = createRequire(import.meta.url);

/** Runs a collection from its first request to its last. */
async function runCollection(collection: object, variables: Record<string, string>): Promise<Heard[]> {
  const newman = require("newman");
  const heard: Heard[] = [];
  await new Promise<void>((resolve, reject) => {
    const envVar = Object.entries(variables).map(([key, value]) => ({ key, value }));
    newman
      .run({ collection, envVar, reporters: [] }, (error: unknown) => (error ? reject(error) : resolve()))
      .on("request", (error: unknown, execution: Heard) => {
        if (error) reject(error);
        else heard.push(execution);
      });
  });
  return heard;
}

/** Requests in folders, one for each tag. */
interface Collection {
  item: { item: { request: { method: string; url: { path: string[] } } }[] }[];
}

async function toCollection(text: string): Promise<Collection> {
  const converter = require("openapi-to-postmanv2");
  const options = {
    ...{ folderStrategy: "Tags", parametersResolution: "Example", requestParametersResolution: "Example" },
    ...{ enableOptionalParameters: false, optimizeConversion: false, stackLimit: 50 },
  };
  return new Promise((resolve, reject) => {
    converter.convertV2(
      { type: "string", data: text },
      options,
      (error: unknown, made: { result: boolean; reason?: string; output: { data: Collection }[] }) => {
        if (error || !made.result) reject(error ?? new Error(made.reason));
        else resolve(made.output[0]?.data ?? { item: [] });
      },
    );
  });
}

/** The same, with what signs out after all else. */
function signingOutLast(collection: Collection): Collection {
  const requests = collection.item.flatMap(({ item }) => item);
  const signsOut = ({ request }: (typeof requests)[number]) =>
    request.method === "DELETE" && request.url.path.at(-1) === "sessions";
  const others = requests.filter((one) => !signsOut(one));
  return { ...collection, item: [{ item: [...others, ...requests.filter(signsOut)] }] };
}

/** What the examples name, in this shop. */
async function idsOf(url: string, token: string): Promise<Record<string, string>> {
  const api = await adminApi(server);
  const idSchema = z.object({ results: z.array(z.object({ id: z.string() })) });
  const first = async (path: string) => (await api.get(path, idSchema)).results.map(({ id }) => id);
  const [product = ""] = await stockProducts(api, "COLLECTION", [50]);
  const [store = "", other = ""] = await first("/stores?page_size=2");
  const [category = ""] = await first("/categories?page_size=1");
  const order = placedOrder(await placeOrder(url, [{ product_id: product, quantity: 1 }]));
  const headers = { authorization: `Bearer ${token}` };
  const cart = await (await fetch(`${url}/api/v1/carts`, { method: "POST", headers })).json();
  const ID = "01jcz4kq8rj2m5v0a7w9x3y6pd";
  return {
    [`prd_${ID}`]: product,
    [`sto_${ID}`]: store,
    sto_01jcz4kq8rj2m5v0a7w9x3y6pe: other,
    [`cat_${ID}`]: category,
    [`ord_${ID}`]: order.id,
    [`crt_${ID}`]: z.object({ id: z.string() }).parse(cart).id,
  };
}

test("the collection that openapi-to-postmanv2 makes runs green under newman, with an admin's token", async () => {
  const token = await server.adminToken();
  const ids = await idsOf(server.url, token);
  const made = JSON.stringify(signingOutLast(await toCollection(readFileSync(file, "utf8"))));
  const collection = Object.entries(ids).reduce((text, [from, to]) => text.replaceAll(from, to), made);
  const heard = await runCollection(JSON.parse(collection), { baseUrl: server.url, bearerToken: token });

  // Green: each operation was called once, and answered what the document says that it may answer: with a status, headers
  // and a code that it lists, and a body that fits. Where nothing stands in the way, that is a success.
  const contract = contractOf(document);
  const called = new Map<string, number>();
  const faults = heard.flatMap(({ request: { method, url }, response }) => {
    const path = url.getPath();
    const name = contract.find(method, path)?.name ?? `${method} ${path}`;
    if (!response) return [`${name}: no answer`];
    called.set(name, response.code);
    const headers = new Headers(response.headers.toObject());
    const told = contract.faults({ method, path, status: response.code, headers, text: response.text() });
    return response.code >= 500 ? [...told, `${name}: ${response.code} ${response.text()}`] : told;
  });
  expect(faults).toEqual([]);
  const names = operationsOf(document).map(({ name }) => name);
  expect([...called.keys()].sort()).toEqual(names.sort());
  const succeeded = [...called].filter(([, status]) => status < 300).map(([name]) => name);
  // What reads without naming anything has nothing in its way, and half of the rest finds what it names.
  const plain = names.filter((name) => name.startsWith("get ") && !name.includes("{"));
  expect(plain.filter((name) => !succeeded.includes(name))).toEqual([]);
  expect(succeeded.length, `${[...called]}`).toBeGreaterThan(LEAST_SUCCESSES);
}, 300_000);
