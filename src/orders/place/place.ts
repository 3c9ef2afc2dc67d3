import { roundsFor } from "../../claims/calls.ts";
import { allMayYetBeHeld, findWaiting, retryAfterRelease } from "../../claims/contention.ts";
import { type DeadClaim, letGo } from "../../claims/let-go.ts";
import { type Reservation, reserveAll, tryAgain, tryOnce } from "../../claims/reserve.ts";
import { Commit } from "../../events/commit.ts";
import type { Context } from "../../platform/context.ts";
import { sha256 } from "../../platform/ids.ts";
import { describeError } from "../../platform/log.ts";
import { tasksOnConfirmation } from "../steps/confirmation.ts";
import { begin, refuse } from "./begin.ts";
import { namedOrder } from "./cart-guard.ts";
import { asOne, type Decision, decide } from "./decide.ts";
import type { Draft } from "./draft.ts";
import { loadFacts } from "./load.ts";
import { type PlaceOutcome, type RenderAnswer, storedAnswer } from "./outcome.ts";
import type { Quote, Refusal } from "./quote.ts";
import { abandon, claimRefOf, type FateRow, type Proposal, record } from "./record.ts";

export interface PlaceOptions {
  /** Whether the rate limit lets these drafts through. It is asked at the same time as the first call to D1. */
  admitted: Promise<boolean>;
  render: RenderAnswer;
  /** True: all of them are placed, or none. False: each by itself. */
  together: boolean;
}

/** Within one request, the abandoned claim of a key is replaced by a fresh one at most twice. */
const MAX_ROUNDS = 3;

/**
 * Places a list of drafts, each by itself or all together: one call to D1, one round of reserves, one batch. A single
 * order is a list of one. See docs/DESIGN.md §2 for the protocol; any await here may be the last thing that this
 * worker does.
 */
export async function placeOrders(
  context: Context,
  drafts: Draft[],
  options: PlaceOptions,
): Promise<PlaceOutcome[]> {
  const outcomes = new Map<Draft, PlaceOutcome>();
  const products = new Set(drafts.flatMap(({ lines }) => lines.map(({ productId }) => productId)));
  const rounds = Math.min(MAX_ROUNDS, roundsFor(products.size));
  let waiting = drafts;
  for (let round = 1; waiting.length > 0 && round <= rounds; round++) {
    const again = await placeRound(context, waiting, options, outcomes);
    // Drafts that are placed all or none start again together; those that were decided meanwhile repeat their answer.
    waiting = options.together && again.length > 0 ? drafts : again;
  }
  return drafts.map((draft) => outcomes.get(draft) ?? { kind: "unavailable" });
}

/** One generation of claims. Notes outcomes, and returns the drafts whose claim was abandoned under their key. */
async function placeRound(
  context: Context,
  drafts: Draft[],
  options: PlaceOptions,
  outcomes: Map<Draft, PlaceOutcome>,
): Promise<Draft[]> {
  const [facts, admitted] = await Promise.all([
    loadFacts(context, drafts, options.together),
    options.admitted,
  ]);
  const { together } = options;
  const { render } = options;
  const quotes = await begin(context, drafts, facts, { admitted, together, render }, outcomes);
  if (quotes.length === 0) return [];
  if (together && quotes.length < drafts.length) {
    await withdraw(context, drafts, quotes, outcomes);
    return [];
  }
  const reservations = await reserveAll(context, quotes);
  const waiting = await findWaiting(context, reservations);
  if (together) {
    if (allMayYetBeHeld(reservations, waiting)) await tryAgain(context, waiting);
    return (await settle(context, reservations, options, outcomes)).again;
  }
  const afterRelease = retryAfterRelease(reservations, waiting);
  for (const quote of [...waiting.keys(), ...afterRelease.keys()]) reservations.delete(quote);
  // First those that need not wait: the others wait for what these release or keep.
  const first = await settle(context, reservations, options, outcomes);
  if (afterRelease.size > 0) {
    await first.released;
    await tryOnce(context, afterRelease);
  }
  await tryAgain(context, waiting);
  const rest = await settle(context, new Map([...afterRelease, ...waiting]), options, outcomes);
  return [...first.again, ...rest.again];
}

/** One of the drafts that are placed all or none ended before anything was held: the others end too, holding nothing. */
async function withdraw(
  context: Context,
  drafts: Draft[],
  quotes: Quote[],
  outcomes: Map<Draft, PlaceOutcome>,
): Promise<void> {
  // Where one is only unavailable for the moment, none is abandoned: the same request may be sent again.
  if (drafts.some((draft) => outcomes.get(draft)?.kind === "unavailable")) return;
  const refused = quotes.map(({ draft, claim }) => ({
    draft,
    claim,
    outcome: { kind: "withdrawn" as const },
  }));
  await refuse(context, refused, outcomes);
}

/** Steps 3 to 5: proposes fates, records them, and answers by the fates that are then in D1. */
async function settle(
  context: Context,
  reservations: Map<Quote, Reservation>,
  options: PlaceOptions,
  outcomes: Map<Draft, PlaceOutcome>,
): Promise<{
  /** Drafts to start again. */
  again: Draft[];
  /** Resolves when the dead claims have released their holds, as far as their objects could be reached. */
  released: Promise<unknown>;
}> {
  if (reservations.size === 0) return { again: [], released: Promise.resolve() };
  const each = [...reservations].map(([quote, reservation]) => decide(context, quote, reservation));
  const decisions = options.together ? asOne(each) : each;
  const proposals = await Promise.all(decisions.map((decision) => propose(context, decision, options)));
  const commit = new Commit(context);
  const fateRows = await recordOrAbandon(context, proposals, commit, options.together);

  const again: Draft[] = [];
  const dead: DeadClaim[] = [];
  const decided = new Set<string>();
  for (const proposal of proposals) {
    const { quote } = proposal.decision;
    const fateRow = fateRows.get(quote.claim);
    const outcome = outcomeOf(proposal, fateRow, commit.stamp);
    if (outcome.kind === "abandoned") again.push(quote.draft);
    else outcomes.set(quote.draft, outcome);
    if (outcome.kind === "decided") decided.add(outcome.order.id);
    // Whoever reads a dead fate releases its holds, since the worker that wrote it may have died.
    if (fateRow && fateRow.fate !== "placed" && outcome.kind !== "abandoned") {
      dead.push({ claim: quote.claim, productIds: quote.order.items.map((item) => item.productId) });
    }
  }
  commit.wakeUp((task) => decided.has(task.object_id));
  if (dead.length === 0) return { again, released: Promise.resolve() };
  const released = letGo(context, dead);
  context.defer(released);
  return { again, released };
}

/** Completes a decision with a guest's token, the answer for its key, and its tasks. */
async function propose(context: Context, decision: Decision, { render }: PlaceOptions): Promise<Proposal> {
  if (decision.fate === "abandoned") return { decision, answer: null, accessToken: undefined, tasks: [] };
  const accessToken = decision.order.userId === null ? context.ids.secret() : undefined;
  const order = { ...decision.order, accessTokenHash: accessToken ? await sha256(accessToken) : null };
  const answer = render(order, decision.fate === "rejected" ? decision.shortfalls : null, accessToken);
  const tasks = order.status === "confirmed" ? tasksOnConfirmation(context, order) : [];
  return { decision: { ...decision, order }, answer, accessToken, tasks };
}

/** Sends the batch and reads the fates after it. Where its outcome is not known, writes `abandoned` unless it did commit. */
async function recordOrAbandon(
  context: Context,
  proposals: Proposal[],
  commit: Commit,
  together: boolean,
): Promise<Map<string, FateRow>> {
  try {
    return await record(context, proposals, commit, together);
  } catch (error) {
    context.log.error("the outcome of a placing is not known", { error: describeError(error) });
  }
  try {
    return await abandon(context, proposals.map(claimRefOf));
  } catch (error) {
    context.log.error("fates could not be read; their holds will ask", { error: describeError(error) });
    return new Map();
  }
}

/** The fate in D1 decides: whatever this worker proposed, it answers with what is stored there. */
function outcomeOf(
  { decision, answer, accessToken }: Proposal,
  fateRow: FateRow | undefined,
  stamp: string,
): PlaceOutcome | { kind: "abandoned" } {
  const { draft } = decision.quote;
  if (!fateRow && !draft.key && decision.fate === "placed") {
    return { kind: "unknown", order: decision.order, accessToken };
  }
  if (!fateRow) return { kind: "unavailable" };
  if (fateRow.fate === "abandoned") {
    const refusal = cartRefusal(draft, fateRow);
    if (refusal) return { kind: "refused", refusal };
    return { kind: draft.key ? "abandoned" : "unavailable" };
  }
  if (fateRow.stamp === stamp && decision.fate === fateRow.fate && answer) {
    return { kind: "decided", order: decision.order, answer };
  }
  return storedAnswer(fateRow);
}

/** Why an abandoned claim cannot be tried anew: another order has its cart now, or the cart has changed. */
function cartRefusal({ cart }: Draft, fateRow: FateRow): Refusal | null {
  if (!cart) return null;
  const order = namedOrder(fateRow.spent_by);
  if (order) return { kind: "cart_spent", order };
  return fateRow.cart_version === cart.version ? null : { kind: "cart_changed" };
}
