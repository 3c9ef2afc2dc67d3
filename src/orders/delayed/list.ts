import { isoStamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { sql } from "../../platform/sql.ts";
import { renderOrder } from "../render.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "../rows.ts";
import { STANDING } from "./find-lost.ts";
import type { DelayedOrderWire } from "./schemas.ts";

interface Row extends OrderRow {
  status_at: number;
  delayed_at: number | null;
  delayed_retries: number;
}

/** Orders that are longer than `DELAYED_AFTER_MINUTES` in a step that somebody is working on, the longest first. */
export async function listDelayed(context: Context, query: PageQuery): Promise<List<DelayedOrderWire>> {
  const { env, settings, clock } = context;
  const page = await readPage<Row>(
    env.DB,
    {
      select: `${ORDER_COLUMNS}, o.status_at, o.delayed_at, o.delayed_retries`,
      from: `(${STANDING}) AS o`,
      where: [sql`o.status_at < ${clock.now() - settings.DELAYED_AFTER_MINUTES * 60_000}`],
      key: "o.status_at",
      id: "o.id",
      direction: "ASC",
    },
    query,
  );
  return toList(
    query,
    page.rows,
    page.counted,
    (row) => ({ key: row.status_at, id: row.id }),
    (row) => ({
      ...renderOrder(orderOf(row)),
      status_at: isoStamp(row.status_at),
      delayed_at: row.delayed_at === null ? null : isoStamp(row.delayed_at),
      delayed_retries: row.delayed_retries,
    }),
  );
}
