import type { OrderPaymentWire } from "../orders/schemas.ts";
import { may } from "../platform/actor.ts";
import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { formatMoney } from "../platform/money.ts";
import { type List, type PageQuery, toList } from "../platform/pagination.ts";
import { type PageSource, readPage } from "../platform/read-page.ts";
import { sql } from "../platform/sql.ts";
import { PAYMENT_COLUMNS, type Payment } from "./money.ts";
import { renderLines } from "./refund.ts";
import type { refunds } from "./tables.ts";

/** Payments that an order's page shows, which is more than one order ever has. */
const PAGE_LIMIT = 100;

type RefundCell = Pick<
  typeof refunds.$inferSelect,
  "id" | "state" | "amount" | "reason" | "items" | "createdAt"
>;

interface PaymentRow extends Payment {
  /** JSON of `RefundCell[]`, oldest first. */
  refunds: string;
}

const sourceOf = (orderId: string): PageSource => ({
  select: sql`${PAYMENT_COLUMNS},
    (SELECT json_group_array(json_object(
        'id', r.id, 'state', r.state, 'amount', r.amount, 'reason', r.reason, 'items', r.items, 'createdAt', r.created_at)
        ORDER BY r.created_at, r.id)
     FROM refunds AS r WHERE r.payment_id = p.id) AS refunds`,
  from: "payments AS p",
  where: [sql`p.order_id = ${orderId}`],
  key: "p.created_at",
  id: "p.id",
  direction: "ASC",
});

/** An order's payments with their refunds, oldest first. */
export async function listPayments(
  context: Context,
  orderId: string,
  query: PageQuery,
): Promise<List<OrderPaymentWire>> {
  const { rows, counted } = await readPage<PaymentRow>(context.env.DB, sourceOf(orderId), query);
  return toList(
    query,
    rows,
    counted,
    (row) => ({ key: row.createdAt, id: row.id }),
    (row) => renderPayment(row, may(context.actor, "payments:read")),
  );
}

/** The same for the order's own page, without further pages. */
export async function paymentsOf(context: Context, orderId: string): Promise<OrderPaymentWire[]> {
  return (await listPayments(context, orderId, { page: 1, page_size: PAGE_LIMIT })).results;
}

/** @param forStaff with their reasons, which are not for the buyer */
function renderPayment(row: PaymentRow, forStaff: boolean): OrderPaymentWire {
  const money = (amount: number) => formatMoney({ amount, currency: row.currency });
  const parts: RefundCell[] = JSON.parse(row.refunds);
  return {
    id: row.id,
    provider: row.provider,
    status: row.status,
    amount: money(row.amount),
    captured: money(row.captured),
    refunded: money(row.refunded),
    currency: row.currency,
    refunds: parts.map(({ id, state, amount, reason, items, createdAt }) => ({
      id,
      status: state,
      amount: money(amount),
      reason: forStaff ? reason : null,
      ...(items === null ? {} : { items: renderLines(items, row.currency) }),
      created_at: isoTimestamp(createdAt),
    })),
    created_at: isoTimestamp(row.createdAt),
  };
}
