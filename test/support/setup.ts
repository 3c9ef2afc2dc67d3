import { applyD1Migrations, type D1Migration, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { forgetSeen } from "../../src/platform/restoring.ts";
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
  await emptyAll();
  testClock.reset();
  memory.clear();
  forgetSeen(env);
  await applyD1Migrations(env.DB, [AT_ONCE]);
});

/** In one batch: it is done before each test, and a batch for each of them takes twice as long. */
const AT_ONCE: D1Migration = { name: "all", queries: env.MIGRATIONS.flatMap(({ queries }) => queries) };

/** Seen on a busy machine: the first reset after a long file leaves D1 as it was. The next one does not. */
async function emptyAll(): Promise<void> {
  const MIGRATED = "SELECT 1 FROM sqlite_master WHERE name = 'd1_migrations'";
  for (let attempt = 0; attempt < 5; attempt++) {
    await reset();
    if ((await env.DB.prepare(MIGRATED).first()) === null) return;
  }
  throw new Error("the storage of the test before is still there");
}
