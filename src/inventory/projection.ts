import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";
import { each, runBatch, type Sql, sql } from "../platform/sql.ts";
import { stockOf } from "./client.ts";
import { noteFalls } from "./note-falls.ts";
import type { StockReport } from "./stock-types.ts";

/** A row is at most about 150 bytes of JSON: one parameter stays well under its megabyte. */
const ROWS_A_STATEMENT = 5_000;

/**
 * Brings the projection up to the reports of many objects, in one batch, then tells each object how far it has come.
 * Reports may come twice, late and out of order: a row yields only to a later epoch, or a higher version of its own.
 * What is counted of the levels follows by triggers.
 */
export async function applyReports(context: Context, reports: StockReport[]): Promise<void> {
  const rows = reports.flatMap(({ productId, epoch, at, levels }) =>
    levels.map(({ storeId, onHand, reserved, version }) => [
      productId,
      storeId,
      onHand,
      reserved,
      epoch,
      version,
      at,
    ]),
  );
  const { env, clock } = context;
  if (rows.length > 0) {
    const productIds = [...new Set(reports.map(({ productId }) => productId))];
    await runBatch(env.DB, [...upserts(rows), ...noteFalls(productIds, clock.now())]);
  }
  await Promise.all(latestOfEach(reports).map((report) => acknowledge(context, report)));
}

function upserts(rows: unknown[][]): Sql[] {
  const chunks = Math.ceil(rows.length / ROWS_A_STATEMENT);
  return Array.from({ length: chunks }, (_, index) =>
    upsert(rows.slice(index * ROWS_A_STATEMENT, (index + 1) * ROWS_A_STATEMENT)),
  );
}

const upsert = (rows: unknown[][]): Sql =>
  sql`INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, (value ->> 2) - (value ->> 3),
      value ->> 4, value ->> 5, value ->> 6
    FROM ${each(rows)} WHERE true
    ON CONFLICT (product_id, store_id) DO UPDATE
      SET on_hand = excluded.on_hand, reserved = excluded.reserved, available = excluded.available,
        epoch = excluded.epoch, version = excluded.version, updated_at = excluded.updated_at
      WHERE excluded.epoch > stock_levels.epoch
        OR (excluded.epoch = stock_levels.epoch AND excluded.version > stock_levels.version)`;

/** The report of each object that reaches furthest. */
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

/** An object that does not hear of it reports again, which changes nothing: a failure is only noted. */
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
