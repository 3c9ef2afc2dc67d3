import { newTask } from "../../events/append.ts";
import { Commit } from "../../events/commit.ts";
import type { Context } from "../../platform/context.ts";
import { sql } from "../../platform/sql.ts";
import { referencesOf } from "../reference.ts";

/** @param email in small letters, as an order keeps it to be found by */
export interface LookUp {
  reference: string;
  email: string;
}

/**
 * Owes the mail that has an order's link, to the address that the order was placed with. Whether there is such an order is
 * looked at when the mail is written (src/notifications), so that neither the answer nor its time tells it.
 */
export async function sendLink(context: Context, { reference, email }: LookUp): Promise<void> {
  const references = referencesOf(reference);
  const [about] = references;
  if (about === undefined) return;
  const commit = new Commit(context, "while_restoring");
  commit.owe([newTask(context, "email", about, { template: "order_link", references, email })], sql`true`);
  await commit.send();
  commit.wakeUp(() => true);
}
