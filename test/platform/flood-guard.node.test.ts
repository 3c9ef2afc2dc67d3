import { expect, test } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { DECLARED_LIMITS, DECLARED_PERIOD_SECONDS } from "../../src/platform/rate-limit/window.ts";
import { settingsSchema } from "../../src/platform/settings.ts";

test("the flood guard's binding counts what its headers say, and what is set where nothing is said", () => {
  const { ratelimits } = readConfig({ config: "wrangler.toml" }, { hideWarnings: true });
  const period = DECLARED_PERIOD_SECONDS;
  const { requests, webhooks } = DECLARED_LIMITS;
  expect(ratelimits).toEqual([
    { name: "FLOOD_GUARD", namespace_id: "1001", simple: { limit: requests, period } },
    { name: "WEBHOOK_GUARD", namespace_id: "1002", simple: { limit: webhooks, period } },
  ]);
  expect(settingsSchema.parse({ JWT_PRIVATE_KEY: "k" })).toMatchObject({
    REQUESTS_PER_MINUTE: requests,
    WEBHOOKS_PER_MINUTE: webhooks,
  });
});
