import { writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "../support/command.ts";
import { freshState, removeState } from "../support/server.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const OLD_SECRET = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;

const ORDER = {
  totals: { total: { amount: "19.99", currency: "USD" } },
  payments: [{ refunds: [{ id: "rfd_1", amount: { amount: "5.00", currency: "USD" } }] }],
};

let directory: string;
let shop: Server;
let url: string;
let asked: string[];
let told: { headers: IncomingHttpHeaders; body: string }[];
let status: number;

/** As much of a shop as the command meets: a sign-in, an order's page, the receiver of webhooks. */
beforeEach(async () => {
  directory = freshState();
  const lines = [
    `PAYMENT_WEBHOOK_SECRET='${SECRET},${OLD_SECRET}'`,
    "ADMIN_EMAIL='me@shop.example'",
    "ADMIN_PASSWORD='long enough'",
  ];
  writeFileSync(join(directory, "dev.vars"), lines.join("\n"));
  [asked, told, status] = [[], [], 200];
  shop = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asked.push(`${request.method} ${request.url}`);
    const webhook = request.url === "/api/v1/webhooks/payments/standard";
    if (webhook) told.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(webhook ? status : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(webhook ? { received: true } : { ...ORDER, access_token: "token" }));
  });
  await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
  const address = shop.address();
  url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : ""}`;
});
afterEach(async () => {
  shop.closeAllConnections();
  await new Promise((resolve) => shop.close(resolve));
  removeState(directory);
});

const run = (...args: string[]) =>
  runCommand("pay", args, { DEV_VARS: join(directory, "dev.vars"), PORT: new URL(url).port });

/** The event as the shop's own verification reads it. */
function verified() {
  const [one] = told;
  if (!one) throw new Error("nothing was told");
  return new Webhook(SECRET).verify(one.body, one.headers as Record<string, string>);
}

test("an order is paid what it costs, signed with the newest secret", { timeout: 20_000 }, async () => {
  const { code, output } = await run("ORD-7K3F9QXM2A");
  expect([code, output.split("\n")[1]]).toEqual([0, '200 {"received":true}']);
  expect(verified()).toEqual({
    event_id: expect.stringMatching(/^local-/),
    reference: "ORD-7K3F9QXM2A",
    status: "success",
    amount: 1999,
    currency: "USD",
  });
  expect(asked).toEqual([
    "POST /api/v1/auth/token",
    "GET /api/v1/orders/ORD-7K3F9QXM2A",
    "POST /api/v1/webhooks/payments/standard",
  ]);
});

test("what the options say is not asked for", { timeout: 20_000 }, async () => {
  await run("ORD-7K3F9QXM2A", "--fail", "--amount", "1999", "--currency", "jpy", "--event-id", "evt_1");
  expect(verified()).toEqual({
    event_id: "evt_1",
    reference: "ORD-7K3F9QXM2A",
    status: "failed",
    amount: 1999,
    currency: "JPY",
  });
  expect(asked).toHaveLength(1);
});

test("a refund goes back by its own amount", { timeout: 20_000 }, async () => {
  await run("ORD-7K3F9QXM2A", "--refund", "rfd_1");
  expect(verified()).toMatchObject({ status: "refunded", amount: 500, refund_id: "rfd_1" });
});

test("a refund that failed is told by its own amount", { timeout: 20_000 }, async () => {
  await run("ORD-7K3F9QXM2A", "--refund", "rfd_1", "--fail");
  expect(verified()).toMatchObject({ status: "refund_failed", amount: 500, refund_id: "rfd_1" });
});

test("a shop that refuses is told", { timeout: 20_000 }, async () => {
  status = 401;
  const { code, output } = await run("ORD-7K3F9QXM2A");
  expect([code, output.split("\n")[1]]).toEqual([1, '401 {"received":true}']);
});

test.each([
  [["ORD-1", "--amont", "5"], "--amont, 5 is not known here; --help tells what is.\n"],
  [["ORD-1", "ORD-2"], "ORD-2 is not known here; --help tells what is.\n"],
  [["ORD-1", "--amount", "19.999"], "--amount 19.999 is no amount of USD.\n"],
  [["ORD-1", "--currency", "zzz"], "--currency ZZZ is not an ISO 4217 currency.\n"],
  [["ORD-1", "--refund", "rfd_9"], "ORD-1 has no refund rfd_9: give --amount and --currency.\n"],
])("%j is refused", { timeout: 20_000 }, async (args, output) => {
  expect(await run(...args)).toEqual({ code: 1, output });
  expect(told).toEqual([]);
});
