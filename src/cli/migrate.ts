import { runWrangler } from "./wrangler.ts";

/** Brings the local database to the newest schema. Nothing happens when it is there already. */
export async function applyMigrations(stateDir: string): Promise<void> {
  await runWrangler(["d1", "migrations", "apply", "holdfast", "--local", "--persist-to", stateDir], stateDir);
}
