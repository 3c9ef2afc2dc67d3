import { inArray, sql } from "drizzle-orm";
import { html } from "hono/html";
import { z } from "zod";
import { orderItems, orders } from "../orders/tables.ts";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { formatMoney } from "../platform/money.ts";
import type { Mail } from "./mail.ts";

/** The texts that both the plain and the HTML form contain. */
interface Wording {
  subject: string;
  name: string;
  thanks: string;
  /** What happens next. */
  next: string;
  lines: { title: string; quantity: number; unitPrice: string; subtotal: string }[];
  /** Label and amount, without the total. */
  sums: [label: string, amount: string][];
  total: string;
}

/** The e-mail that confirms an order. @param timeZone the shop's, by its IANA name */
export async function renderOrderConfirmation(order: OrderForMail, timeZone: string): Promise<Mail> {
  const customer = customerSchema.parse(JSON.parse(order.customer));
  const wording = wordingOf(order, customer.name, timeZone);
  return {
    to: customer.email,
    subject: wording.subject,
    text: renderText(wording),
    html: String(await renderHtml(wording)),
  };
}

function wordingOf(order: OrderForMail, name: string, timeZone: string): Wording {
  const money = (minorUnits: number) => {
    const { amount, currency } = formatMoney({ amount: minorUnits, currency: order.currency });
    return `${amount} ${currency}`;
  };
  const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone });
  const minute = new Intl.DateTimeFormat("en-GB", {
    dateStyle: "long",
    timeStyle: "long",
    timeZone,
  });
  const payUntil = order.paymentStatus === "awaiting" ? order.expiresAt : null;
  const optional: [string, number][] = [
    ["Tax", order.tax],
    ["Duty", order.duty],
  ];
  return {
    subject: `Your order ${order.reference}`,
    name: oneLine(name),
    thanks: `Thank you for your order ${order.reference} of ${day.format(order.createdAt)}.`,
    next:
      payUntil === null
        ? "It is confirmed, and we are getting it ready."
        : `We are keeping it for you, and waiting for your payment until ${minute.format(payUntil)}.`,
    lines: order.items.map(({ title, quantity, unitPrice }) => ({
      title: oneLine(title),
      quantity,
      unitPrice: money(unitPrice),
      subtotal: money(quantity * unitPrice),
    })),
    sums: [
      ["Subtotal", money(order.subtotal)],
      ["Shipping", money(order.shipping)],
      ...optional
        .filter(([, amount]) => amount > 0)
        .map(([label, amount]): [string, string] => [label, money(amount)]),
    ],
    total: money(order.total),
  };
}

/** Line breaks are removed, because customers' text must not change the layout of the plain form. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim();

function renderText({ name, thanks, next, lines, sums, total }: Wording): string {
  const items = lines.map(
    ({ title, quantity, unitPrice, subtotal }) =>
      `${quantity} x ${title}\n    ${unitPrice} each, ${subtotal}`,
  );
  const amounts = [...sums, ["Total", total]].map(([label, amount]) => `${label}: ${amount}`);
  return `Hello ${name},\n\n${thanks}\n${next}\n\n${items.join("\n")}\n\n${amounts.join("\n")}\n`;
}

const INK = "#1f2933";
const FAINT = "#6b7785";
const RULE = "#e4e8ec";

/**
 * Writes the mail as HTML. It uses tables and inline styles, because all mail readers support these. The `html` tag escapes the values, so a title
 * is never markup.
 */
function renderHtml({ subject, name, thanks, next, lines, sums, total }: Wording) {
  const cell = `padding:12px 0;border-bottom:1px solid ${RULE};vertical-align:top;`;
  const itemRow = ({ title, quantity, unitPrice, subtotal }: Wording["lines"][number]) => html`
        <tr>
          <td style="${cell}">${title}<br><span style="color:${FAINT};font-size:14px;">${quantity} × ${unitPrice}</span></td>
          <td align="right" style="${cell}white-space:nowrap;">${subtotal}</td>
        </tr>`;
  const sumRow = ([label, amount]: [string, string]) => html`
        <tr>
          <td style="padding:4px 0;color:${FAINT};">${label}</td>
          <td align="right" style="padding:4px 0;color:${FAINT};white-space:nowrap;">${amount}</td>
        </tr>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${subject}</title>
</head>
<body style="margin:0;padding:0;background:#f4f6f8;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f4f6f8;">
  <tr>
    <td align="center" style="padding:32px 16px;">
      <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;background:#ffffff;border-radius:8px;border:1px solid ${RULE};font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;color:${INK};">
        <tr>
          <td style="padding:32px 32px 8px;">
            <h1 style="margin:0 0 16px;font-size:22px;line-height:1.3;">${subject}</h1>
            <p style="margin:0 0 12px;">Hello ${name},</p>
            <p style="margin:0 0 12px;">${thanks} ${next}</p>
          </td>
        </tr>
        <tr>
          <td style="padding:0 32px;">
      <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="font-size:16px;color:${INK};">
        ${lines.map(itemRow)}
      </table>
          </td>
        </tr>
        <tr>
          <td style="padding:12px 32px 32px;">
      <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="font-size:16px;color:${INK};">
        ${sums.map(sumRow)}
        <tr>
          <td style="padding:12px 0 0;font-weight:600;">Total</td>
          <td align="right" style="padding:12px 0 0;font-weight:600;white-space:nowrap;">${total}</td>
        </tr>
      </table>
          </td>
        </tr>
      </table>
    </td>
  </tr>
</table>
</body>
</html>
`;
}

type OrderForMail = NonNullable<ReturnType<Awaited<ReturnType<typeof readOrdersForMail>>["get"]>>;

const customerSchema = z.object({ name: z.string(), email: z.string() });

/**
 * Reads what the e-mails of these orders show, in one round trip, by the orders' ids; those that are not there are left out.
 * Amounts are minor units of `currency`, times milliseconds since the epoch; `expiresAt` is the deadline of the payment.
 * `customer` is still JSON, so that one that cannot be read spoils no other's mail.
 */
export async function readOrdersForMail({ env }: Context, orderIds: string[]) {
  const db = orm(env.DB);
  const named = sql`(SELECT value FROM json_each(${JSON.stringify(orderIds)}))`;
  const [found, items] = await db.batch([
    db
      .select({
        id: orders.id,
        reference: orders.reference,
        status: orders.status,
        customer: orders.customer,
        currency: orders.currency,
        subtotal: orders.subtotal,
        shipping: orders.shipping,
        tax: orders.tax,
        duty: orders.duty,
        total: orders.total,
        paymentStatus: orders.paymentStatus,
        expiresAt: orders.expiresAt,
        createdAt: orders.createdAt,
      })
      .from(orders)
      .where(inArray(orders.id, named)),
    db
      .select({
        orderId: orderItems.orderId,
        title: orderItems.title,
        quantity: orderItems.quantity,
        unitPrice: orderItems.unitPrice,
      })
      .from(orderItems)
      .where(inArray(orderItems.orderId, named))
      .orderBy(orderItems.line),
  ]);
  const itemsOf = Map.groupBy(items, ({ orderId }) => orderId);
  return new Map(found.map((order) => [order.id, { ...order, items: itemsOf.get(order.id) ?? [] }]));
}
