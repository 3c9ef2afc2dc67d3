import type { Context } from "../platform/context.ts";
import { addTo } from "../platform/d1-face.ts";
import { prepare, sql } from "../platform/sql.ts";

/** The tables whose changes triggers write down (migrations/0039_audit.sql). */
const AUDITED = [
  ...["api_keys", "categories", "jobs", "orders", "payment_events", "payments", "products", "refunds"],
  ...["returns", "roles", "shipments", "shop_state", "stores", "users"],
  // As who retries and drops tasks names it; the marks of tasks that run are nobody's decision.
  "work AS w",
];

const WRITES = new RegExp(
  `\\b(?:INTO|UPDATE(?:\\s+OR\\s+\\w+)?|DELETE\\s+FROM)\\s+["\`]?(?:${AUDITED.join("|")})\\b`,
  "i",
);

/**
 * D1 in which the audit log learns who acts: each batch that changes an audited table is put between a row that names the
 * actor and its deletion. Triggers write the log by that row, in the very transaction, whatever the batch does.
 */
export function auditedD1(
  db: D1Database,
  { actor, address, requestId, clock }: Pick<Context, "actor" | "address" | "requestId" | "clock">,
): D1Database {
  return addTo(db, {
    add: async (queries) => {
      if (!queries.some((query) => WRITES.test(query))) return null;
      const enter = sql`
        INSERT OR REPLACE INTO acting (id, actor, ip, request_id, at)
        VALUES (1, ${actor.name}, ${address}, ${requestId}, ${clock.now()})`;
      return { before: [prepare(db, enter)], after: [prepare(db, sql`DELETE FROM acting`)] };
    },
  });
}
