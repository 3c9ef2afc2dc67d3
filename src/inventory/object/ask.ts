import type { ClaimState, FollowOutcome } from "../stock-types.ts";
import type { Asked } from "./asked.ts";
import { bring } from "./follow.ts";
import { findClaim } from "./holds.ts";
import type { Sql, SqlValue, Turn } from "./sql-port.ts";

/** Claims of one question, which is one D1 batch. */
const MAX_CLAIMS_ASKED = 500;
/** A claim that is due waits this long for others, so that a product in demand asks once for many claims. */
const GATHER_ASKS_MS = 10_000;
/** A claim that gets no answer asks again after this. */
export const ASK_AGAIN_MS = 30_000;
/**
 * How long a claim waits after its first answer, and after each further one. By then its order lives, and each of its steps
 * is told to the object, and owed as a task: this question is for what was lost all the same. Each costs three rows.
 */
const FIRST_PAUSE_MS = 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** The least delay, so that an answer with a time in the past cannot make the alarm fire without end. */
const MIN_ASK_DELAY_MS = 1_000;

/** When the alarm must fire next, because holds ask or a report is due; milliseconds. Null when nothing waits. */
export function nextDue({ sql, books, now }: Turn, asked: Asked): number | null {
  const first = firstDue(sql, asked.waiting(now));
  const asksAt = first === null ? Infinity : first + GATHER_ASKS_MS;
  const due = Math.min(books.telling.reportAt ?? Infinity, asksAt, asked.soonest);
  return due === Infinity ? null : due;
}

/** When the first open claim is due to ask, but for these; milliseconds. */
function firstDue(sql: Sql, waiting: string[]): number | null {
  const { condition, values } = allBut(waiting);
  const [first] = sql.all<{ ask_at: number }>(
    `SELECT ask_at FROM claims WHERE state = 'open' ${condition} ORDER BY ask_at LIMIT 1`,
    ...values,
  );
  return first?.ask_at ?? null;
}

/** Mostly there are none, and to look at an empty list costs each turn a row. */
const allBut = (claims: string[]): { condition: string; values: SqlValue[] } =>
  claims.length === 0
    ? { condition: "", values: [] }
    : { condition: "AND claim NOT IN (SELECT value FROM json_each(?))", values: [JSON.stringify(claims)] };

/** Takes the claims that are due. Takes none before the first of them has waited GATHER_ASKS_MS for others. */
export function takeDue({ sql, now }: Turn, asked: Asked): string[] {
  const waiting = asked.waiting(now);
  const first = firstDue(sql, waiting);
  if (first === null || now < first + GATHER_ASKS_MS) return [];
  const { condition, values } = allBut(waiting);
  const rows = sql.all<{ claim: string }>(
    `SELECT claim FROM claims WHERE state = 'open' ${condition} AND ask_at <= ? ORDER BY ask_at LIMIT ?`,
    ...[...values, now, MAX_CLAIMS_ASKED],
  );
  const claims = rows.map(({ claim }) => claim);
  asked.note(claims, now + ASK_AGAIN_MS);
  return claims;
}

/** Applies D1's answer about a claim. A claim that still holds units after it will ask again. */
export function applyAnswer(turn: Turn, answer: ClaimState): FollowOutcome {
  const claim = findClaim(turn.sql, answer.claim);
  const askAt = nextAsk(turn, claim?.asks ?? 0, answer);
  const outcome = bring(turn, claim, answer, askAt);
  // What was applied has noted it already.
  if (claim?.state === "open" && outcome.kind !== "applied")
    turn.sql.all("UPDATE claims SET ask_at = ?, asks = asks + 1 WHERE claim = ?", askAt, answer.claim);
  return outcome;
}

/** Applies what the caller of a command tells of a claim. It says nothing new where the hold has asked, or heard more, since. */
export function applyTold(turn: Turn, told: ClaimState): FollowOutcome {
  const claim = findClaim(turn.sql, told.claim);
  if (claim && claim.version >= told.version) return { kind: "stale" };
  return bring(turn, claim, told, nextAsk(turn, claim?.asks ?? 0, told));
}

/** Never later than by its schedule, however far the deadline is: the order may end earlier, and that follow be lost. */
function nextAsk({ now }: Turn, asks: number, { askAt }: ClaimState): number {
  const scheduled = now + (asks === 0 ? FIRST_PAUSE_MS : DAY_MS);
  return Math.max(Math.min(askAt ?? Infinity, scheduled), now + MIN_ASK_DELAY_MS);
}
