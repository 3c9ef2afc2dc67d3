import { z } from "zod";
import type { OrderStatus } from "../orders/lifecycle.ts";
import { isLiving } from "../orders/lifecycle.ts";
import { STANDING } from "../orders/read/standing.ts";
import { moneyText } from "../platform/money.ts";
import { type Letter, renderLetter } from "./letter.ts";
import type { Mail } from "./mail.ts";
import type { OrderForMail } from "./read-orders.ts";

const orderId = z.string();

/** The payloads of mails about orders, as src/orders/steps/mails.ts makes them. */
export const orderMailSchemas = [
  z.object({ template: z.literal("order_confirmation"), order_id: orderId }),
  z.object({ template: z.literal("order_paid"), order_id: orderId }),
  z.object({
    template: z.literal("order_shipped"),
    order_id: orderId,
    shipment: z.object({
      items: z.array(z.object({ product_id: z.string(), quantity: z.int() })),
      tracking: z.string().nullable(),
      carrier: z.string().nullable(),
    }),
  }),
  z.object({ template: z.literal("order_cancelled"), order_id: orderId }),
  z.object({ template: z.literal("order_expired"), order_id: orderId }),
  z.object({
    template: z.literal("order_refunded"),
    order_id: orderId,
    amount: z.int(),
    currency: z.string(),
  }),
] as const;

/** What a mail about an order says, without the order itself. */
export type OrderMail =
  | z.infer<(typeof orderMailSchemas)[number]>
  /** To whoever asked for it. */
  | { template: "order_link" };

/** What is not true any more by the time a mail is written is not said: of an order that died, or lives again. */
export function isStillTrue(status: OrderStatus, template: OrderMail["template"]): boolean {
  switch (template) {
    case "order_confirmation":
    case "order_paid":
      return isLiving(status);
    case "order_expired":
      return status === "expired";
    case "order_shipped":
    case "order_cancelled":
    case "order_refunded":
    case "order_link":
      return true;
  }
}

const customerSchema = z.object({ name: z.string(), email: z.string() });

/** @param timeZone the shop's, by its IANA name; @param link where the order can be seen, null where nowhere */
export function renderOrderMail(
  order: OrderForMail,
  payload: OrderMail,
  { timeZone, link }: { timeZone: string; link: string | null },
): Promise<Mail> {
  const { name, email } = customerSchema.parse(JSON.parse(order.customer));
  const letter = {
    ...wordingOf(order, payload, timeZone),
    name,
    link: link === null ? null : { label: "See your order", url: link },
  };
  return renderLetter(letter, email);
}

type Wording = Omit<Letter, "name" | "link">;

function wordingOf(order: OrderForMail, payload: OrderMail, timeZone: string): Wording {
  const { reference } = order;
  const bare = { lines: [], sums: [], total: null };
  switch (payload.template) {
    case "order_confirmation":
      return confirmation(order, timeZone);
    case "order_paid":
      return {
        ...confirmation(order, timeZone),
        subject: `Your order ${reference} is paid`,
        says: [
          `Thank you: we have received your payment for your order ${reference}.`,
          "It is confirmed, and we are getting it ready.",
        ],
      };
    case "order_shipped":
      return { ...bare, ...shipped(order, payload.shipment) };
    case "order_cancelled":
      return {
        ...bare,
        subject: `Your order ${reference} is cancelled`,
        says: [
          `Your order ${reference} is cancelled, and nothing of it will be sent.`,
          ...(order.paymentStatus === "refund_due" ? ["What you paid is on its way back to you."] : []),
        ],
      };
    case "order_expired":
      return {
        ...bare,
        subject: `Your order ${reference} has expired`,
        says: [
          order.paymentStatus === "none"
            ? `We kept your order ${reference} for you, and could not confirm it in time. It has expired, and nothing is owed.`
            : `We kept your order ${reference} for you, and no payment came in time. It has expired, and nothing is owed.`,
        ],
      };
    case "order_refunded":
      return {
        ...bare,
        subject: `A refund for your order ${reference}`,
        says: [`We have given ${moneyText(payload)} back to you for your order ${reference}.`],
      };
    case "order_link":
      return {
        ...bare,
        subject: `Your order ${reference}`,
        says: [`You asked for your order ${reference}.`, STANDING[order.status]],
      };
  }
}

function confirmation(order: OrderForMail, timeZone: string): Wording {
  const money = (amount: number) => moneyText({ amount, currency: order.currency });
  const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone });
  const minute = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "long", timeZone });
  const payUntil = order.paymentStatus === "awaiting" ? order.expiresAt : null;
  const optional: [string, number][] = [
    ["Tax", order.tax],
    ["Duty", order.duty],
  ];
  return {
    subject: `Your order ${order.reference}`,
    says: [
      `Thank you for your order ${order.reference} of ${day.format(order.createdAt)}.`,
      payUntil === null
        ? "It is confirmed, and we are getting it ready."
        : `We are keeping it for you, and waiting for your payment until ${minute.format(payUntil)}.`,
    ],
    lines: order.items.map(({ title, quantity, unitPrice }) => ({
      title: oneLine(title),
      quantity,
      price: { each: money(unitPrice), subtotal: money(quantity * unitPrice) },
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

type Shipment = Extract<OrderMail, { template: "order_shipped" }>["shipment"];

/** One product may leave from several stores: its units are told together. */
function shipped(
  { reference, items }: OrderForMail,
  shipment: Shipment,
): Pick<Wording, "subject" | "says" | "lines"> {
  const lines = items.flatMap(({ productId, title }) => {
    const left = shipment.items.filter(({ product_id }) => product_id === productId);
    const quantity = left.reduce((sum, line) => sum + line.quantity, 0);
    return quantity === 0 ? [] : [{ title: oneLine(title), quantity, price: null }];
  });
  const ordered = items.reduce((sum, { quantity }) => sum + quantity, 0);
  const isAll = lines.reduce((sum, { quantity }) => sum + quantity, 0) === ordered;
  const carrier = shipment.carrier === null ? "" : ` with ${oneLine(shipment.carrier)}`;
  return {
    subject: isAll
      ? `Your order ${reference} is on its way`
      : `A part of your order ${reference} is on its way`,
    says: [
      `${isAll ? `Your order ${reference}` : `A part of your order ${reference}`} has left${carrier}.`,
      ...(shipment.tracking === null ? [] : [`Its tracking number is ${oneLine(shipment.tracking)}.`]),
    ],
    lines,
  };
}

/** Line breaks are removed, because customers' text must not change the layout of the plain form. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim();
