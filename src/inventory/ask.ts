import { follow } from "./follow.ts";
import { findClaim } from "./holds.ts";
import type { Sql, Turn } from "./sql-port.ts";
import type { ClaimState, FollowOutcome } from "./stock-types.ts";

/** Claims asked about in one go: one D1 batch. */
const MAX_ASKED = 500;
/** A due claim waits so long for more of them: a product in demand asks once for many. Milliseconds, as all here. */
const ASK_TOGETHER = 10_000;
/** A claim that got no answer asks again so soon. */
export const ASK_AGAIN = 30_000;
/** An answered one later, and later still, but never never. */
const SCHEDULE = [5 * 60_000, 60 * 60_000];
const A_DAY = 24 * 60 * 60_000;
/** An answer that names a moment gone by must not make the alarm spin. */
const SOONEST = 1_000;

/** When the object must be awake next: holds ask, or a report is due. Null when nothing is waiting. */
export function nextDue(sql: Sql): number | null {
  const [row] = sql.all<{ at: number | null }>(
    `SELECT MIN(at) AS at FROM (
       SELECT report_at AS at FROM meta
       UNION ALL SELECT * FROM (SELECT ask_at + ? FROM claims WHERE state = 'open' ORDER BY ask_at LIMIT 1)
     )`,
    ASK_TOGETHER,
  );
  return row?.at ?? null;
}

/**
 * Takes the claims whose time has come, put off first: if their answer never comes, they ask again. None before the
 * first of them has waited for the others.
 */
export function takeDue({ sql, now }: Turn): string[] {
  const rows = sql.all<{ claim: string }>(
    `UPDATE claims SET ask_at = ?1 WHERE claim IN
       (SELECT claim FROM claims WHERE state = 'open' AND ask_at <= ?2 ORDER BY ask_at LIMIT ?3)
       AND ?4 >= (SELECT ask_at FROM claims WHERE state = 'open' ORDER BY ask_at LIMIT 1)
     RETURNING claim`,
    now + ASK_AGAIN,
    now,
    MAX_ASKED,
    now - ASK_TOGETHER,
  );
  return rows.map(({ claim }) => claim);
}

/** Applies what a claim was told; one that still holds will ask again. */
export function obey(turn: Turn, verdict: ClaimState): FollowOutcome {
  const outcome = follow(turn, verdict);
  const claim = findClaim(turn.sql, verdict.claim);
  if (claim?.state === "open") {
    // Never later than its schedule, however far a deadline is: the order may end before, and the word of it be lost.
    const askAt = Math.min(verdict.askAt ?? Infinity, turn.now + (SCHEDULE[claim.asks] ?? A_DAY));
    turn.sql.all(
      "UPDATE claims SET ask_at = ?, asks = asks + 1 WHERE claim = ?",
      Math.max(askAt, turn.now + SOONEST),
      verdict.claim,
    );
  }
  return outcome;
}
