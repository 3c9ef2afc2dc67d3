import { Commit } from "../events/commit.ts";
import type { Context } from "../platform/context.ts";
import { all, each, type Sql, sql } from "../platform/sql.ts";
import type { claims } from "./tables.ts";

/** What became of a claim. A claim without one is not decided yet. */
export type Fate = (typeof claims.$inferSelect)["fate"];

/** A fate to write. A caller may add fields, for the condition of `writeFates`. */
export interface NewFate {
  claim: string;
  fate: Fate;
  order_id: string | null;
}

export const abandoned = (claim: string): NewFate => ({ claim, fate: "abandoned", order_id: null });

/**
 * Writes fates by an insert that yields: a fate that stands is never changed.
 * @param when SQL about the fate, `row.value`, that must be true as well
 */
export const writeFates = (fates: NewFate[], stamp: string, now: number, when = sql`true`): Sql => sql`
  INSERT INTO claims (id, fate, order_id, stamp, decided_at)
  SELECT row.value ->> 'claim', row.value ->> 'fate', row.value ->> 'order_id', ${stamp}, ${now}
  FROM ${each(fates)} AS row WHERE ${when} ON CONFLICT DO NOTHING`;

/** The fates of these claims. A claim without a fate is missing from the map. */
export async function readFates({ env }: Context, claims: string[]): Promise<Map<string, Fate>> {
  const rows = await all(env.DB, selectFates(claims));
  return new Map(rows.map(({ id, fate }) => [id, fate]));
}

const selectFates = (claims: string[]) => sql<{ id: string; fate: Fate }>`
  SELECT c.id, c.fate FROM ${each(claims)} AS asked JOIN claims AS c ON c.id = asked.value`;

/**
 * Gives a claim up, and returns the fate that stands. Its stamp is its own, never that of a record: a record that was
 * taken for lost may still arrive, and must not take this fate for its own. A restore does not refuse it, since it only
 * lets go.
 */
export async function abandon(context: Context, claim: string): Promise<Fate | null> {
  const commit = new Commit(context, "none");
  commit.win(writeFates([abandoned(claim)], commit.stamp, context.clock.now()));
  const standing = commit.read(selectFates([claim]));
  return (await commit.send()).first(standing)?.fate ?? null;
}
