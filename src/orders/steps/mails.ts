import { type NewTask, newTask } from "../../events/append.ts";
import type { Context } from "../../platform/context.ts";
import type { OrderMail } from "../../platform/settings.ts";

/** What an order's customer is told, with what the mail says that the order itself does not. */
export type Told =
  | { template: "order_confirmation" }
  | { template: "order_paid" }
  | { template: "order_shipped"; shipment: MailedShipment }
  | { template: "order_cancelled" }
  | { template: "order_expired" }
  /** Minor units. */
  | { template: "order_refunded"; amount: number; currency: string };

/** What left, as the task keeps it: a later shipment is another mail's. */
interface MailedShipment {
  items: { product_id: string; quantity: number }[];
  tracking: string | null;
  carrier: string | null;
}

/** By which name of the setting ORDER_MAILS each is sent. */
const SENT_AS: Record<Told["template"], OrderMail> = {
  order_confirmation: "placed",
  order_paid: "paid",
  order_shipped: "shipped",
  order_cancelled: "cancelled",
  order_expired: "cancelled",
  order_refunded: "refunded",
};

export const isMailed = ({ settings }: Pick<Context, "settings">, template: Told["template"]): boolean =>
  settings.ORDER_MAILS.includes(SENT_AS[template]);

/**
 * The task of a mail about an order, for the batch of the step that it tells of: so there is one exactly where that step was
 * made. None where the shop does not send such mails.
 */
export const mailTask = (context: Context, orderId: string, told: Told): NewTask[] =>
  isMailed(context, told.template)
    ? [newTask(context, "email", orderId, { ...told, order_id: orderId })]
    : [];
