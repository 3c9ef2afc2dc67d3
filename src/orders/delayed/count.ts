import type { Context } from "../../platform/context.ts";
import { STANDING } from "./find-lost.ts";

const MAX_COUNTED = 10_000;

/** One row, `{delayed}`: orders longer than `DELAYED_AFTER_MINUTES` in a step, counted no further than 10,000. */
export const countDelayed = ({ env, settings, clock }: Context): D1PreparedStatement =>
  env.DB.prepare(
    `SELECT count(*) AS delayed FROM (SELECT 1 FROM (${STANDING}) AS o
       WHERE o.status_at < ?1 LIMIT ${MAX_COUNTED})`,
  ).bind(clock.now() - settings.DELAYED_AFTER_MINUTES * 60_000);
