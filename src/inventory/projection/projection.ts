import { chunksOf } from "../../platform/chunks.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { describeError } from "../../platform/log.ts";
import { each, runBatch, type Sql, sql } from "../../platform/sql.ts";
import { stockOf } from "../client.ts";
import type { ProjectedLevel, StockReport } from "../stock-types.ts";

/** A row is about 150 bytes of JSON at most, so one parameter stays well under a megabyte. */
const STATEMENT_ROWS = 5_000;

/** Applies the reports of many objects in one batch, and then acknowledges them to each object. */
export async function applyReports(context: Context, reports: StockReport[]): Promise<void> {
  const { env, clock } = context;
  const statements = project(reports, clock.now());
  if (statements.length > 0) await runBatch(env.DB, statements);
  await Promise.all(latestOfEach(reports).map((report) => acknowledge(context, report)));
}

/**
 * Writes the reports of many objects into the projection, for one batch. Reports may come twice, late and out of order, so a
 * row is replaced only by a later epoch, or by a higher version of the same epoch. One of a product that a restore took away
 * counts nothing. Triggers bring the counts up to the levels.
 * @param at when, milliseconds
 */
export function project(reports: StockReport[], at: number): Sql[] {
  const rows = reports.flatMap(({ productId, epoch, at: updatedAt, levels }) =>
    levels.map(({ storeId, onHand, reserved, version }) => [
      productId,
      storeId,
      onHand,
      reserved,
      epoch,
      version,
      updatedAt,
    ]),
  );
  if (rows.length === 0) return [];
  const productIds = [...new Set(reports.map(({ productId }) => productId))];
  return [...upserts(rows), ...noteLowStock(productIds, at)];
}

/** What the projection has of a product's levels. */
export const projectedLevels = (productId: string): Sql<ProjectedLevel> => sql`
  SELECT store_id AS storeId, epoch, version FROM stock_levels WHERE product_id = ${productId}`;

/** For a statement that reads all of `store_stock` in any case. */
export const TOLD = sql`max(updated_at)`;

/**
 * The projection's own time: when the newest word that it has was told by a Stock object; null before the first. It is the
 * whole shop's, since all objects tell by the same ways: where those are behind, so is this time, and a product that has
 * not changed for a month looks no older than the others. It is no promise for each product, which only its object could
 * give: what one object has not told yet is newer than the `updated_at` of its own rows.
 */
export const PROJECTION_TIME = sql<{ told: number | null }>`SELECT ${TOLD} AS told FROM store_stock`;

/** As lists tell it. */
export const asOf = (told: number | null | undefined): string | null => (told ? isoTimestamp(told) : null);

const upserts = (rows: unknown[][]): Sql[] => chunksOf(rows, STATEMENT_ROWS).map(upsert);

const upsert = (rows: unknown[][]): Sql =>
  sql`INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, (value ->> 2) - (value ->> 3),
      value ->> 4, value ->> 5, value ->> 6
    FROM ${each(rows)} WHERE value ->> 0 IN (SELECT id FROM products)
    ON CONFLICT (product_id, store_id) DO UPDATE
      SET on_hand = excluded.on_hand, reserved = excluded.reserved, available = excluded.available,
        epoch = excluded.epoch, version = excluded.version, updated_at = excluded.updated_at
      WHERE excluded.epoch > stock_levels.epoch
        OR (excluded.epoch = stock_levels.epoch AND excluded.version > stock_levels.version)`;

/** The newest report of each object. */
function latestOfEach(reports: StockReport[]): StockReport[] {
  const latest = new Map<string, StockReport>();
  for (const report of reports) {
    const known = latest.get(report.productId);
    const isNewer =
      !known ||
      report.epoch > known.epoch ||
      (report.epoch === known.epoch && report.version > known.version);
    if (isNewer) latest.set(report.productId, report);
  }
  return [...latest.values()];
}

/** A failure is only logged: the object reports again, and that changes nothing. */
async function acknowledge({ env, log }: Context, { productId, epoch, version }: StockReport): Promise<void> {
  try {
    await stockOf(env, productId).reported(epoch, version);
  } catch (error) {
    log.warn("a stock report could not be acknowledged", {
      product_id: productId,
      error: describeError(error),
    });
  }
}

/**
 * Notes which of these products are at or below their threshold, once until they are above it and people were told. It must
 * come last in the batch: halfway through it, as while units go from one store to another, a product may seem to have less
 * than it ever had. A product that was never stocked has not fallen.
 * @param at milliseconds
 */
function noteLowStock(productIds: string[], at: number): Sql[] {
  const named = sql`${each(productIds)} AS named CROSS JOIN product_stock AS s ON s.product_id = named.value`;
  return [
    sql`INSERT INTO low_stock (product_id, since, told)
      SELECT s.product_id, ${at}, 0 FROM ${named}
      WHERE s.stores > 0 AND (s.state = 'low' OR s.state = 'out') ON CONFLICT (product_id) DO NOTHING`,
    sql`DELETE FROM low_stock WHERE told = 1 AND product_id IN (
      SELECT s.product_id FROM ${named} WHERE s.state = 'healthy')`,
  ];
}

/**
 * Computes all that is derived from the projection again, for one D1 batch: states and titles of levels, and the counts.
 * In ordinary running triggers (see the migration stock_triggers) keep it right row by row.
 */
export const recountStock = (): Sql[] => [
  sql`DELETE FROM product_stock`,
  sql`DELETE FROM store_stock`,
  sql`UPDATE stock_levels SET
       state = coalesce((SELECT ${stateOf(sql`stock_levels.available`)} FROM products AS p
                         WHERE p.id = stock_levels.product_id), 'archived'),
       sort_title = (SELECT coalesce(p.title_key, lower(p.title)) FROM products AS p
                     WHERE p.id = stock_levels.product_id AND p.active = 1)`,
  sql`INSERT INTO product_stock (product_id, on_hand, reserved, available, stores, state, updated_at)
     SELECT p.id, coalesce(sum(l.on_hand), 0), coalesce(sum(l.reserved), 0), coalesce(sum(l.available), 0),
       count(l.store_id), ${stateOf(sql`coalesce(sum(l.available), 0)`)}, coalesce(max(l.updated_at), p.created_at)
     FROM products AS p LEFT JOIN stock_levels AS l ON l.product_id = p.id GROUP BY p.id`,
  sql`INSERT INTO store_stock (store_id, levels, products, units, available, low_stock, out_of_stock,
       updated_at)
     SELECT store_id, count(*), sum(state <> 'archived'), sum(on_hand * (state <> 'archived')),
       sum(available * (state <> 'archived')), sum(state = 'low'), sum(state = 'out'), max(updated_at)
     FROM stock_levels GROUP BY store_id`,
  sql`DELETE FROM stock_states`,
  sql`INSERT INTO stock_states (state, products) SELECT state, count(*) FROM product_stock GROUP BY state`,
];

/**
 * Empties the projection, as if nothing were known of any stock; what people were told stays. The counts are deleted
 * first, so that no trigger has to subtract from them level by level.
 */
export const emptyProjection = (): Sql[] => [
  sql`DELETE FROM product_stock`,
  sql`DELETE FROM store_stock`,
  sql`DELETE FROM stock_levels`,
  ...recountStock(),
];

function stateOf(available: Sql): Sql {
  return sql`CASE WHEN p.active = 0 THEN 'archived' WHEN ${available} <= 0 THEN 'out'
    WHEN ${available} <= p.low_stock_threshold THEN 'low' ELSE 'healthy' END`;
}
