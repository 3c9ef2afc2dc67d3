import { z } from "@hono/zod-openapi";
import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { type List, listSchema, type PageQuery, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { constant, type Sql, sql, trusted } from "../../platform/sql.ts";
import { renderOrder } from "../read/render.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "../rows.ts";
import { orderSchema } from "../schemas.ts";
import { ORDERS_IN_WORK } from "./find-lost.ts";

export const delayedOrderSchema = orderSchema
  .extend({
    status_at: z.string().openapi({ description: "When it entered its present status" }),
    delayed_at: z.string().nullable().openapi({ description: "When it was found delayed; null until it is" }),
    delayed_retries: z.int().openapi({
      description: "Rounds that were made to get it on; the one after DELAYED_RETRIES calls a person",
    }),
  })
  .openapi("DelayedOrder");
type DelayedOrderWire = z.infer<typeof delayedOrderSchema>;

export const delayedListSchema = listSchema(delayedOrderSchema, "DelayedOrderList");

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
      select: sql`${ORDER_COLUMNS}, o.status_at, o.delayed_at, o.delayed_retries`,
      from: `(${ORDERS_IN_WORK}) AS o`,
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
      status_at: isoTimestamp(row.status_at),
      delayed_at: row.delayed_at === null ? null : isoTimestamp(row.delayed_at),
      delayed_retries: row.delayed_retries,
    }),
  );
}

const MAX_COUNTED = 10_000;

/** One row: how many orders are longer than `DELAYED_AFTER_MINUTES` in a step, counted up to 10,000. */
export const countDelayed = ({ settings, clock }: Context): Sql<{ delayed: number }> => sql`
  SELECT count(*) AS delayed FROM (SELECT 1 FROM (${trusted(ORDERS_IN_WORK)}) AS o
    WHERE o.status_at < ${clock.now() - settings.DELAYED_AFTER_MINUTES * 60_000} LIMIT ${constant(MAX_COUNTED)})`;
