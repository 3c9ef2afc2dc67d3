import { applyD1Migrations, type D1Migration, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { testClock } from "./clock.ts";
import { memory } from "./worker.ts";

declare global {
  namespace Cloudflare {
    interface Env {
      MIGRATIONS: D1Migration[];
    }
  }
}

/** Storage is isolated by file: each test starts from empty bindings, migrated, at the test's own hour. */
beforeEach(async () => {
  await reset();
  testClock.reset();
  memory.clear();
  await applyD1Migrations(env.DB, env.MIGRATIONS);
});
