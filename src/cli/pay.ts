import { randomUUID } from "node:crypto";
import { runMain } from "citty";
import { Webhook } from "standardwebhooks";
import { z } from "zod";
import { isCurrency, type MoneyWire, parseAmount } from "../platform/money.ts";
import { shopUrl } from "./admin-api.ts";
import { type Api, createApi, signIn } from "./api.ts";
import { commandOf } from "./command.ts";
import { devVarsPath, mergeSettings, readDevVars, type SettingsText } from "./local-settings.ts";

interface PayOptions {
  reference: string;
  fail: boolean;
  refund: string | undefined;
  amount: string | undefined;
  currency: string | undefined;
  eventId: string;
  url: string;
}

/** Sends the shop a payment event, as the `standard` provider would: a payment or a refund that succeeded or failed. */
async function pay(options: PayOptions): Promise<void> {
  const settings = mergeSettings(readDevVars(devVarsPath()), process.env);
  const [secret] = (settings.PAYMENT_WEBHOOK_SECRET ?? "").split(",");
  if (!secret) throw new Error("There is no PAYMENT_WEBHOOK_SECRET: npm start makes one.");
  const money = await moneyOf(options, settings);
  const body = JSON.stringify({
    event_id: options.eventId,
    reference: options.reference,
    status: statusOf(options),
    amount: money.minor,
    currency: money.currency,
    ...(options.refund === undefined ? {} : { refund_id: options.refund }),
  });
  const answer = await fetch(`${options.url}/api/v1/webhooks/payments/standard`, {
    method: "POST",
    headers: { "content-type": "application/json", ...signatureOf(secret.trim(), options.eventId, body) },
    body,
  });
  console.log(`${body}\n${answer.status} ${await answer.text()}`);
  if (!answer.ok) process.exitCode = 1;
}

function statusOf({ fail, refund }: PayOptions): "success" | "failed" | "refunded" | "refund_failed" {
  if (refund !== undefined) return fail ? "refund_failed" : "refunded";
  return fail ? "failed" : "success";
}

function signatureOf(secret: string, id: string, body: string): Record<string, string> {
  const now = new Date();
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, now, body),
  };
}

/** Amount and currency from the options; what they lack is read from the order, as the admin of `.dev.vars`. */
async function moneyOf(options: PayOptions, settings: SettingsText) {
  const known =
    options.amount !== undefined && options.currency !== undefined
      ? { amount: options.amount, currency: options.currency }
      : await moneyOfOrder(options, settings);
  const amount = options.amount ?? known.amount;
  const currency = (options.currency ?? known.currency).toUpperCase();
  if (!isCurrency(currency)) throw new Error(`--currency ${currency} is not an ISO 4217 currency.`);
  const minor = parseAmount(amount, currency);
  if (minor === null) throw new Error(`--amount ${amount} is no amount of ${currency}.`);
  return { minor, currency };
}

const money = z.object({ amount: z.string(), currency: z.string() });
const orderPage = z.object({
  totals: z.object({ total: money }),
  payments: z.array(z.object({ refunds: z.array(z.object({ id: z.string(), amount: money })) })),
});

async function moneyOfOrder(
  { url, reference, refund }: PayOptions,
  settings: SettingsText,
): Promise<MoneyWire> {
  const order = await (await adminApi(url, settings)).get(
    `/orders/${encodeURIComponent(reference)}`,
    orderPage,
  );
  if (refund === undefined) return order.totals.total;
  const found = order.payments.flatMap(({ refunds }) => refunds).find(({ id }) => id === refund);
  if (!found) throw new Error(`${reference} has no refund ${refund}: give --amount and --currency.`);
  return found.amount;
}

async function adminApi(url: string, settings: SettingsText): Promise<Api> {
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = settings;
  if (!email || !password)
    throw new Error("Give --amount and --currency, or set ADMIN_EMAIL and ADMIN_PASSWORD.");
  return createApi(url, await signIn(url, email, password));
}

const options = {
  reference: { type: "positional", required: true, description: "The order's: ORD-…" },
  fail: { type: "boolean", default: false, description: "The payment failed, or the refund" },
  refund: { type: "string", description: "This refund (rfd_…) of the order went back" },
  amount: { type: "string", description: "19.99 (the order's total, or the refund's amount)" },
  currency: { type: "string", description: "ISO 4217 (the order's)" },
  "event-id": { type: "string", description: "The same id again is the same event (a new one)" },
  url: { type: "string", description: "Where the shop is (http://127.0.0.1:PORT)" },
} as const;

await runMain(
  commandOf(
    "npm run pay --",
    "Signs and sends a payment's webhook to the shop on this machine",
    options,
    (args) =>
      pay({
        reference: args.reference,
        fail: args.fail,
        refund: args.refund,
        amount: args.amount,
        currency: args.currency,
        eventId: args["event-id"] ?? `local-${randomUUID()}`,
        url: shopUrl(args.url),
      }),
  ),
);
