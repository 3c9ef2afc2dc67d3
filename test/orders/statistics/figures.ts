import { env } from "cloudflare:workers";
import { ORDER_STATUSES } from "../../../src/orders/lifecycle.ts";
import { rows } from "../../payments/settle/till.ts";
import { HISTORY } from "../history-rows.ts";

const QUARTER = 900_000;
const DAY = 86_400_000;

export interface Figures {
  order_figures: Record<string, unknown>[];
  product_figures: Record<string, unknown>[];
}

/** What the tables have, row by row, in the order of their keys. */
export const figures = async (): Promise<Figures> => ({
  order_figures: await rows("SELECT * FROM order_figures ORDER BY span, start, currency"),
  product_figures: await rows("SELECT * FROM product_figures ORDER BY span, start, product_id"),
});

/** Up to where the days are added up; milliseconds. */
export const addedUpUntil = async (): Promise<number> =>
  (await rows<{ until: number }>("SELECT until FROM figures_added_up"))[0]?.until ?? Number.NaN;

/**
 * What they should have, worked out from what orders went through: their histories, items and refunds. Knows nothing of
 * the triggers, their views and the columns that they go by; only which days are added up.
 */
export async function expectedFigures(): Promise<Figures> {
  const until = await addedUpUntil();
  const spansOf = (at: number) => [
    ["quarter", QUARTER] as const,
    ...(at < until ? [["day", DAY] as const] : []),
  ];
  const orders = await rows<Record<string, never>>("SELECT * FROM orders");
  const items = Map.groupBy(await rows<Item>("SELECT * FROM order_items"), (item) => item.order_id);
  const lines = Map.groupBy(
    await rows<Line>(`SELECT * FROM ${HISTORY} ORDER BY version`),
    (line) => line.order_id,
  );
  const tables = { order: new Sums(), product: new Sums() };
  const ZEROS = Object.fromEntries(
    [...ORDER_STATUSES, "sold", "units", "amount", "refunded"].map((one) => [one, 0]),
  );
  const sale = (at: number, currency: string, figures: Record<string, number>) => {
    for (const [span, ms] of spansOf(at)) {
      tables.order.add({ span, start: at - (at % ms), currency }, { ...ZEROS, ...figures });
    }
  };
  const product = (at: number, product_id: string, units: number) => {
    tables.product.add({ span: "day", start: at - (at % DAY), product_id }, { units });
    if (at < until) tables.product.add({ span: "all", start: 0, product_id }, { units });
  };
  for (const order of orders) {
    const { id, status, created_at, currency, total, total_items } = order as unknown as Order;
    for (const [span, ms] of spansOf(created_at)) {
      const start = created_at - (created_at % ms);
      tables.order.add({ span, start, currency }, { ...ZEROS, [status]: 1 });
    }
    const entered = (to: string) => lines.get(id)?.find((line) => line.to_status === to)?.at;
    const soldAt = entered("confirmed");
    if (soldAt === undefined) continue;
    sale(soldAt, currency, { sold: 1, units: total_items, amount: total });
    for (const { product_id, quantity } of items.get(id) ?? []) product(soldAt, product_id, quantity);
    const cancelledAt = entered("cancelled");
    if (cancelledAt !== undefined) {
      sale(cancelledAt, currency, { sold: -1, units: -total_items, amount: -total });
      for (const { product_id, quantity } of items.get(id) ?? []) product(cancelledAt, product_id, -quantity);
    }
    for (const { product_id, quantity, unit_price, allocations } of items.get(id) ?? []) {
      const kept = (JSON.parse(allocations) as { quantity: number }[]).reduce(
        (sum, a) => sum + a.quantity,
        0,
      );
      const closed = quantity - kept;
      if (closed === 0) continue;
      const at = entered("shipped") ?? Number.NaN;
      sale(at, currency, { units: -closed, amount: -closed * unit_price });
      product(at, product_id, -closed);
    }
  }
  for (const refund of await rows<Refund>("SELECT * FROM refunds")) {
    sale(refund.created_at, refund.currency, { refunded: refund.amount });
    if (refund.state === "failed") sale(refund.updated_at, refund.currency, { refunded: -refund.amount });
  }
  return {
    order_figures: tables.order.rows(),
    product_figures: tables.product.rows(),
  };
}

interface Order {
  id: string;
  status: string;
  created_at: number;
  currency: string;
  total: number;
  total_items: number;
}

interface Item {
  order_id: string;
  product_id: string;
  quantity: number;
  unit_price: number;
  allocations: string;
}

interface Line {
  order_id: string;
  to_status: string;
  at: number;
}

interface Refund {
  created_at: number;
  updated_at: number;
  currency: string;
  amount: number;
  state: string;
}

type Key = { span: string; start: number; currency?: string; product_id?: string };

/** Rows that are added up by their key. */
class Sums {
  readonly #rows = new Map<string, { key: Key; figures: Record<string, number> }>();

  add(key: Key, added: Record<string, number>): void {
    const name = JSON.stringify(key);
    const known = this.#rows.get(name)?.figures ?? {};
    const figures = Object.fromEntries(Object.entries(added).map(([k, v]) => [k, (known[k] ?? 0) + v]));
    this.#rows.set(name, { key, figures });
  }

  rows(): Record<string, unknown>[] {
    const sorted = [...this.#rows.values()].sort(({ key: a }, { key: b }) => {
      const parts = (key: Key) => [
        key.span,
        String(key.start).padStart(20, "0"),
        key.currency ?? key.product_id,
      ];
      return parts(a).join() < parts(b).join() ? -1 : 1;
    });
    return sorted.map(({ key, figures }) => ({ ...key, ...figures }));
  }
}

/** D1 as it is, with every statement that is prepared noted. */
export function noting(seen: string[]): D1Database {
  return {
    prepare: (sql: string) => {
      seen.push(sql);
      return env.DB.prepare(sql);
    },
    batch: (all: D1PreparedStatement[]) => env.DB.batch(all),
  } as unknown as D1Database;
}
