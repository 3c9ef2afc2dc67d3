import { z } from "zod";
import type { Api } from "./api.ts";
import { everyPage } from "./save-shop.ts";

type Row = Record<string, unknown>;

/** What the shop knew of the time between a backup and its restore. Amounts are in minor units. */
export interface LostWindow {
  /** When the backup was made, and when the shop was closed. Only this report and the provider know what came between. */
  from: string;
  to: string;
  /** Whether an earlier restore had begun: what that one overwrote is in its own report, and not in this one. */
  after_another_restore: boolean;
  /** Orders placed or changed since the backup. Those placed since will be gone. */
  orders: Row[];
  payments: Row[];
  refunds: Row[];
  /** The events that were answered 200 since: providers send them again only if they are asked to. */
  payment_events: Row[];
  /** What people did to stock since: deliveries, corrections, transfers, returns. By product, the newest first. */
  movements: Row[];
  /** Whether there were more movements than are read. */
  movements_left_out: boolean;
}

/** Movements of all products together. A shop that counts all its stock each day is above it, and has its counts. */
const MAX_MOVEMENTS = 10_000;

const movementsSchema = z.object({
  movements: z.array(z.record(z.string(), z.unknown())),
  left_out: z.boolean(),
  next: z.string().nullable(),
});

/** The columns by which a person can find each row at the provider, and its buyer. No secrets. */
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

/** Reads it from the closed shop, before anything is overwritten. */
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
    ...(await readMovements(api, from)),
  };
}

/** From the objects, since D1 has only their sums. */
async function readMovements(
  api: Api,
  from: string,
): Promise<Pick<LostWindow, "movements" | "movements_left_out">> {
  const movements: Row[] = [];
  let leftOut = false;
  let after: string | null = "";
  while (after !== null && movements.length < MAX_MOVEMENTS) {
    const query: string = `since=${encodeURIComponent(from)}&after=${after}`;
    const part: z.infer<typeof movementsSchema> = await api.get(
      `/ops/backup/movements?${query}`,
      movementsSchema,
    );
    movements.push(...part.movements);
    leftOut ||= part.left_out;
    after = part.next;
  }
  return { movements, movements_left_out: leftOut || after !== null };
}

/** The columns of a row, with times in ISO 8601. */
function shown(row: Row, columns: readonly string[]): Row {
  const value = (column: string) => {
    const given = row[column];
    return column.endsWith("_at") && typeof given === "number" ? new Date(given).toISOString() : given;
  };
  return Object.fromEntries(columns.map((column) => [column, value(column)]));
}

/** The lines to print after a restore. @param file where the whole report is */
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
    `  People had moved stock ${lost.movements_left_out ? "more than " : ""}${lost.movements.length} times since: count again, or enter it again.`,
    ...(lost.after_another_restore
      ? ["  A restore had begun before this one: what it overwrote is in its own report only."]
      : []),
    "  What providers told while the shop was closed was answered 503: that they tell again by themselves.",
  ];
}
