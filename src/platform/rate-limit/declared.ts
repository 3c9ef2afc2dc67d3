/** What wrangler.toml declares for the `FLOOD_GUARD` binding, which takes its limit from nowhere else. */
export const DECLARED_LIMIT = 600;
export const DECLARED_PERIOD_SECONDS = 60;
