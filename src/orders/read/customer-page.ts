import { html, raw } from "hono/html";
import { moneyText } from "../../platform/money.ts";
import type { Shipment } from "../fulfilment/read.ts";
import type { Order } from "../order.ts";
import { STANDING } from "./standing.ts";

/** The page has no scripts and loads nothing; its one style is allowed by its hash. */
const STYLE = `
body{margin:0;background:#f4f6f8;color:#1f2933;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
main{max-width:560px;margin:32px auto;padding:24px 32px;background:#fff;border:1px solid #e4e8ec;border-radius:8px}
table{width:100%;border-collapse:collapse}td{padding:8px 0;border-bottom:1px solid #e4e8ec}td:last-child{text-align:right}
h1{font-size:22px}h2{font-size:17px}`;

/** The link must not travel on from here, be found, or be kept. */
export async function pageHeaders(): Promise<Record<string, string>> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE));
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
  };
}

/** An order for its customer: where it stands, what is in it, what it costs, what has left. */
export function customerPage(order: Order, shipments: Shipment[]) {
  const money = (amount: number) => moneyText({ amount, currency: order.currency });
  const row = (label: string, value: string) => html`<tr><td>${label}</td><td>${value}</td></tr>`;
  const sums: [string, number][] = [
    ["Subtotal", order.subtotal],
    ["Shipping", order.shipping],
    ["Tax", order.tax],
    ["Duty", order.duty],
    ["Total", order.total],
    ["Refunded", order.refunded],
  ];
  const titleOf = (id: string) => order.items.find(({ productId }) => productId === id)?.title ?? id;
  const parcel = ({ items, carrier, tracking }: Shipment) => html`
<p>${items.map((line) => `${line.quantity} × ${titleOf(line.product_id)}`).join(", ")}${
    carrier === null ? "" : `, with ${carrier}`
  }${tracking === null ? "" : `, tracking number ${tracking}`}</p>`;
  return frame(
    `Your order ${order.reference}`,
    html`<p>${STANDING[order.status]}</p>
<table>${order.items.map((item) => row(`${item.quantity} × ${item.title}`, money(item.quantity * item.unitPrice)))}</table>
<h2>What it costs</h2>
<table>${sums.filter(([label, amount]) => amount > 0 || label === "Total").map(([label, amount]) => row(label, money(amount)))}</table>
${shipments.length === 0 ? "" : html`<h2>What has left</h2>${shipments.map(parcel)}`}`,
  );
}

/** For a wrong link, and one that is too old: nobody learns whether there is such an order. */
export const noPage = () =>
  frame(
    "There is no such order",
    html`<p>This link is wrong, or it is too old. Ask the shop for a new one.</p>`,
  );

const frame = (title: string, content: ReturnType<typeof html>) => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body><main><h1>${title}</h1>${content}</main></body>
</html>
`;
