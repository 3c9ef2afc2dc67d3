import { expect, test } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { DECLARED_LIMIT, DECLARED_PERIOD_SECONDS } from "../../src/platform/rate-limit/window.ts";
import { settingsSchema } from "../../src/platform/settings.ts";

test("the flood guard's binding counts what its headers say, and what is set where nothing is said", () => {
  const { ratelimits } = readConfig({ config: "wrangler.toml" }, { hideWarnings: true });
  const simple = { limit: DECLARED_LIMIT, period: DECLARED_PERIOD_SECONDS };
  expect(ratelimits).toEqual([{ name: "FLOOD_GUARD", namespace_id: "1001", simple }]);
  expect(settingsSchema.parse({ JWT_PRIVATE_KEY: "k" }).REQUESTS_PER_MINUTE).toBe(DECLARED_LIMIT);
});
