import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { all, each, sql } from "../platform/sql.ts";
import type { Notice } from "./mail.ts";

interface Row {
  reference: string;
  status: string;
  status_at: number;
  delayed_at: number | null;
}

/** The notice of orders that stay in a step although it was sent again, with their status as the e-mail is written. */
export async function composeDelayedOrders({ env }: Context, orderIds: string[]): Promise<Notice> {
  const rows = await all(
    env.DB,
    sql<Row>`
      SELECT o.reference, o.status, o.status_at, o.delayed_at
      FROM ${each(orderIds)} AS named CROSS JOIN orders AS o ON o.id = named.value ORDER BY named.key`,
  );
  const count = orderIds.length;
  return {
    subject: count === 1 ? "An order needs your attention" : `${count} orders need your attention`,
    lines: rows.map(lineOf),
  };
}

function lineOf({ reference, status, status_at, delayed_at }: Row): string {
  const line = `${reference} is ${status} since ${isoTimestamp(status_at).replace(/\.\d+/, "")}`;
  return delayed_at === null ? `${line}; it had been delayed` : line;
}
