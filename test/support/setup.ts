import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect } from "vitest";
import { forgetSeen } from "../../src/platform/restoring.ts";
import { takeLeaks, watchLog } from "./canaries.ts";
import { testClock } from "./clock.ts";
import { startAnew } from "./migrated.ts";
import { deskEnv, deskWork, memory } from "./worker.ts";

watchLog();

/** Storage is isolated by file: each test starts from empty bindings, migrated, at the test's own hour. */
beforeEach(async () => {
  await startAnew();
  testClock.reset();
  memory.clear();
  forgetSeen(env);
  deskEnv.current = null;
  deskWork.length = 0;
});

afterEach(() => {
  expect(takeLeaks()).toEqual([]);
});
