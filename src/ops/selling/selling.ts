import type { Context } from "../../platform/context.ts";
import {
  GENERATION,
  type RestoreRefusal,
  type RestoreState,
  raiseGeneration,
  readRestoreState,
  refuseUnlessStill,
} from "../../platform/restoring.ts";
import { batch, first, sql } from "../../platform/sql.ts";

/**
 * `stopped`: no new orders, while all else goes on. `restoring`: a backup is being restored, and only the restore may write
 * (platform/restoring.ts).
 */
export const SELLING_STATES = ["open", "stopped", "restoring"] as const;
export type SellingState = (typeof SELLING_STATES)[number];

/** Whether orders are taken. A shop that nobody ever stopped has no row. */
export interface Selling {
  state: SellingState;
  /** Since when, milliseconds; null if it was always open. */
  since: number | null;
  /** The restore generation. */
  generation: number;
}

interface SellingRow {
  value: string | null;
  since: number | null;
  generation: number;
}

const isState = (value: string): value is SellingState =>
  (SELLING_STATES as readonly string[]).includes(value);

const SELLING = sql<SellingRow>`
  SELECT s.value, s.since, g.generation FROM (SELECT ${GENERATION} AS generation) AS g
  LEFT JOIN shop_state AS s ON s.key = 'selling'`;

function toSelling(row: SellingRow | null | undefined): Selling {
  if (!row) throw new Error("a query that always has a row had none");
  const { value, since, generation } = row;
  if (value === null) return { state: "open", since: null, generation };
  return { state: isState(value) ? value : "stopped", since, generation };
}

/** orders/place/load.ts and payments/money.ts read the same row in batches of their own. */
export const readSelling = async (context: Context): Promise<Selling> =>
  toSelling(await first(context.env.DB, SELLING));

export type SetSellingOutcome =
  | { kind: "set"; selling: Selling }
  /** Nothing was changed: a restore is under way, and it was not named. */
  | { kind: "unnamed" }
  /** Nothing was changed: it was for a restore that is not the one of now. */
  | { kind: RestoreRefusal };

/**
 * Stops selling, opens the shop, or closes it for a restore. Setting the same again does not change `since`. Each restore
 * has a generation of its own, also one that begins again.
 *
 * A restore that is under way is ended, or begun anew, only by who names its generation: itself, or a person who has looked. So a call of
 * an earlier restore that comes late neither opens nor stops the shop; nor does one that was sent before this restore began.
 * @param named the generation that the caller means; null for one who means the shop as it is
 */
export async function setSelling(
  context: Context,
  state: SellingState,
  named: number | null = null,
): Promise<SetSellingOutcome> {
  const seen = await readRestoreState(context);
  const refused = whyNot(seen, named);
  if (refused) return { kind: refused };
  const now = context.clock.now();
  let after: SellingRow[];
  try {
    ({ after } = await batch(context.env.DB, {
      fence: refuseUnlessStill(seen),
      state: sql`
        INSERT INTO shop_state (key, value, since) VALUES ('selling', ${state}, ${now})
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, since = excluded.since WHERE value <> excluded.value`,
      generation: state === "restoring" ? raiseGeneration(now) : undefined,
      after: SELLING,
    }));
  } catch (error) {
    const { restoring, generation } = await readRestoreState(context);
    if (restoring === seen.restoring && generation === seen.generation) throw error;
    return { kind: generation === seen.generation ? "not_restoring" : "superseded" };
  }
  context.log.warn("selling was set", { state, by: context.actor.name });
  return { kind: "set", selling: toSelling(after[0]) };
}

function whyNot(
  { restoring, generation }: RestoreState,
  named: number | null,
): "superseded" | "unnamed" | null {
  if (named === null) return restoring ? "unnamed" : null;
  return named === generation ? null : "superseded";
}
