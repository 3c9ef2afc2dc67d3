import type { Context } from "../../platform/context.ts";
import { constant, type Sql, sql, trusted } from "../../platform/sql.ts";
import { STANDING } from "./find-lost.ts";

const MAX_COUNTED = 10_000;

/** One row: orders longer than `DELAYED_AFTER_MINUTES` in a step, counted no further than 10,000. */
export const countDelayed = ({ settings, clock }: Context): Sql<{ delayed: number }> => sql`
  SELECT count(*) AS delayed FROM (SELECT 1 FROM (${trusted(STANDING)}) AS o
    WHERE o.status_at < ${clock.now() - settings.DELAYED_AFTER_MINUTES * 60_000} LIMIT ${constant(MAX_COUNTED)})`;
