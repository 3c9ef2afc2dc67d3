import { stockOf } from "../../inventory/client.ts";
import type { StockAudit } from "../../inventory/stock-types.ts";
import type { OrderStatus } from "../../orders/lifecycle.ts";
import type { OrderAllocation } from "../../orders/order.ts";
import { chunksOf } from "../../platform/chunks.ts";
import type { Context } from "../../platform/context.ts";
import { batch, each, type Sql, sql } from "../../platform/sql.ts";

/**
 * Statuses in which an order may still have units to ship. `shipped` is none of them: all of such an order was shipped or
 * closed. Many shops never set `delivered`, so reading them too would mean reading most orders.
 */
const UNDER_WAY: readonly OrderStatus[] = ["pending", "confirmed", "processing"];

/** A line of an order that may still have units to ship. */
export interface OpenLine {
  product_id: string;
  order_id: string;
  claim: string;
  version: number;
  allocations: OrderAllocation[];
}

export interface ProjectedLevel {
  product_id: string;
  store_id: string;
  on_hand: number;
  reserved: number;
  epoch: number;
  version: number;
}

/** What D1 says of an open hold's claim. */
export interface ClaimRow {
  claim: string;
  fate: "placed" | "rejected" | "abandoned" | null;
  decided_at: number | null;
  order_id: string | null;
  /** The claim that the order names now. */
  named_claim: string | null;
  status: OrderStatus | null;
  version: number | null;
  updated_at: number | null;
  /** When the last restore began; null where none ever did. */
  restored_at: number | null;
  allocations: OrderAllocation[];
}

interface DatabaseSnapshot {
  lines: OpenLine[];
  projection: ProjectedLevel[];
}

/** D1, then each object in one turn, then D1 again. */
export interface Snapshot {
  before: DatabaseSnapshot;
  audits: Map<string, StockAudit>;
  after: DatabaseSnapshot;
  /** By `claimKey`, read with `after`. */
  claims: Map<string, ClaimRow>;
}

export const claimKey = (productId: string, claim: string): string => `${productId} ${claim}`;

/**
 * Reads all that is compared. D1 and an object cannot be read at one moment, so D1 is read before and after the objects. A
 * row that is the same both times was the same during the audit. What only ever grows (versions, acknowledgements, fates)
 * is read on the side that makes its comparison sound; find-drift.ts says which.
 */
export async function takeSnapshot(context: Context, productIds: string[]): Promise<Snapshot> {
  const before = await readDatabase(context, productIds);
  const named = Map.groupBy(before.lines, (line) => line.product_id);
  const audits = new Map(
    await Promise.all(
      productIds.map(async (productId) => {
        const claims = (named.get(productId) ?? []).map((line) => line.claim);
        return [productId, await stockOf(context.env, productId).audit(claims)] as const;
      }),
    ),
  );
  const asked = [...audits].flatMap(([productId, { claims }]) =>
    claims.filter(({ state }) => state === "open").map(({ claim }) => [productId, claim] as const),
  );
  const after = await readDatabase(context, productIds, asked);
  return { before, audits, after, claims: after.claims };
}

/** Pairs of product and claim in one parameter of a statement. A pair is about 70 bytes. */
const STATEMENT_PAIRS = 10_000;

async function readDatabase(
  context: Context,
  productIds: string[],
  asked: (readonly [string, string])[] = [],
) {
  const wanted = each(productIds);
  const chunks = chunksOf(asked, STATEMENT_PAIRS);
  const { lines, projection, ...claims } = await batch(context.env.DB, {
    // One look at each order under way, at the range that has all the products: with the list alone, which the plus keeps
    // from being an index's, SQLite looks up each order once for each of the products.
    lines: sql<RawLine>`
      SELECT i.product_id, o.id AS order_id, o.claim_id AS claim, o.version, i.allocations
      FROM ${each(UNDER_WAY)} AS under_way JOIN orders AS o ON o.status = under_way.value
      JOIN order_items AS i ON i.order_id = o.id
      WHERE i.product_id BETWEEN (SELECT min(value) FROM ${wanted}) AND (SELECT max(value) FROM ${wanted})
        AND +i.product_id IN (SELECT value FROM ${wanted})`,
    projection: sql<ProjectedLevel>`
      SELECT l.product_id, l.store_id, l.on_hand, l.reserved, l.epoch, l.version
      FROM ${wanted} AS wanted JOIN stock_levels AS l ON l.product_id = wanted.value`,
    ...Object.fromEntries(chunks.map((pairs, index) => [`claims ${index}`, selectClaims(pairs)])),
  });
  return {
    lines: lines.map((line) => ({
      ...line,
      allocations: JSON.parse(line.allocations) as OrderAllocation[],
    })),
    projection,
    claims: new Map(
      Object.values<RawClaim[]>(claims)
        .flat()
        .map(({ product_id, allocations, ...row }) => [
          claimKey(product_id, row.claim),
          { ...row, allocations: JSON.parse(allocations ?? "[]") as OrderAllocation[] },
        ]),
    ),
  };
}

type RawLine = Omit<OpenLine, "allocations"> & { allocations: string };
type RawClaim = Omit<ClaimRow, "allocations"> & { product_id: string; allocations: string | null };

const selectClaims = (pairs: (readonly [string, string])[]): Sql<RawClaim> => sql`
  SELECT asked.value ->> 0 AS product_id, asked.value ->> 1 AS claim, c.fate, c.decided_at, o.id AS order_id,
    o.claim_id AS named_claim, o.status, o.version, o.updated_at, i.allocations,
    (SELECT s.since FROM shop_state AS s WHERE s.key = 'generation') AS restored_at
  FROM ${each(pairs)} AS asked LEFT JOIN claims AS c ON c.id = asked.value ->> 1
  LEFT JOIN orders AS o ON o.id = c.order_id
  LEFT JOIN order_items AS i ON i.order_id = o.id AND i.product_id = asked.value ->> 0`;
