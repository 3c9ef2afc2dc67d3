import type { Api } from "./api.ts";
import { everyPage } from "./save-shop.ts";

type Row = Record<string, unknown>;

/** What the shop knew of the time between a backup and its restore. Amounts are minor units of their currency. */
export interface LostWindow {
  /** The backup's moment, and when the shop was closed: what happened in between is only here and at the provider. */
  from: string;
  to: string;
  /** An earlier restore had begun already: what it overwrote is in a report of its own, and not in this one. */
  after_another_restore: boolean;
  /** Those placed, paid, cancelled or otherwise changed since. What was placed since is gone. */
  orders: Row[];
  payments: Row[];
  refunds: Row[];
  /** What providers told since and were answered 200 for: they do not tell it again unless they are asked to. */
  payment_events: Row[];
}

/** What a person needs of each: enough to find it at the provider, and its buyer. No secrets. */
const COLUMNS = {
  orders: [
    "id",
    "reference",
    "status",
    "payment_status",
    "payment_method",
    "total",
    "currency",
    "customer_email",
    "created_at",
    "updated_at",
  ],
  payments: [
    "id",
    "order_id",
    "provider",
    "provider_id",
    "status",
    "amount",
    "captured",
    "refunded",
    "currency",
    "updated_at",
  ],
  refunds: [
    "id",
    "payment_id",
    "order_id",
    "provider_id",
    "state",
    "amount",
    "currency",
    "reason",
    "updated_at",
  ],
  payment_events: [
    "provider",
    "event_id",
    "order_id",
    "reference",
    "kind",
    "amount",
    "currency",
    "provider_id",
    "state",
    "outcome",
    "received_at",
  ],
} as const;

/** Reads it from a closed shop, before anything of it is overwritten. @param from the backup's moment */
export async function readLostWindow(
  api: Api,
  { from, to, after_another_restore }: Pick<LostWindow, "from" | "to" | "after_another_restore">,
): Promise<LostWindow> {
  const read = async (table: keyof typeof COLUMNS): Promise<Row[]> => {
    const rows: Row[] = [];
    await everyPage(api, `/ops/backup/tables/${table}?since=${encodeURIComponent(from)}`, async (page) => {
      rows.push(...page.map((row) => shown(row, COLUMNS[table])));
    });
    return rows;
  };
  return {
    ...{ from, to, after_another_restore },
    orders: await read("orders"),
    payments: await read("payments"),
    refunds: await read("refunds"),
    payment_events: await read("payment_events"),
  };
}

/** Moments as a person reads them. */
function shown(row: Row, columns: readonly string[]): Row {
  const value = (column: string) => {
    const given = row[column];
    return column.endsWith("_at") && typeof given === "number" ? new Date(given).toISOString() : given;
  };
  return Object.fromEntries(columns.map((column) => [column, value(column)]));
}

/** What a person must look at, in a few lines. @param file where all of it stands */
export function describeLostWindow(lost: LostWindow, file: string): string[] {
  const counts = [
    `${lost.orders.length} orders`,
    `${lost.payments.length} payments`,
    `${lost.refunds.length} refunds`,
    `${lost.payment_events.length} payment events`,
  ];
  return [
    `Look at the time between ${lost.from} (the backup) and ${lost.to} (the shop was closed):`,
    "  compare all payments and refunds of it with the payment provider, and have its events told again.",
    `  The shop knew of ${counts.join(", ")} that were new or changed since: ${file}`,
    ...(lost.after_another_restore
      ? ["  A restore had begun before this one: what it overwrote is in its own report only."]
      : []),
    "  What providers told while the shop was closed was answered 503: that they tell again by themselves.",
  ];
}
