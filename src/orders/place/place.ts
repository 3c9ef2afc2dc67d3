import { roundsFor } from "../../claims/calls.ts";
import { allMayYetBeHeld, findWaiting, retryAfterRelease } from "../../claims/contention.ts";
import { type DeadClaim, letGo } from "../../claims/let-go.ts";
import { News } from "../../claims/news.ts";
import { type Reservation, reserveAll, reservePromptly, tryAgain, tryOnce } from "../../claims/reserve.ts";
import { Commit } from "../../events/commit.ts";
import type { Context } from "../../platform/context.ts";
import { isRefusal } from "../../platform/d1.ts";
import { sha256 } from "../../platform/ids.ts";
import { describeError } from "../../platform/log.ts";
import type { Order } from "../order.ts";
import { tasksOnConfirmation } from "../steps/confirmation.ts";
import { followCommand } from "../steps/follow.ts";
import { begin, refuse } from "./begin.ts";
import { namedOrder } from "./cart-guard.ts";
import { asOne, type Decision, decide } from "./decide.ts";
import type { Draft } from "./draft.ts";
import { loadFacts } from "./load.ts";
import { type Outcomes, type PlaceOutcome, storedAnswer } from "./outcome.ts";
import type { Quote, Refusal } from "./quote.ts";
import { abandon, claimRefOf, type FateRow, levelsIn, type Proposal, record } from "./record.ts";
import { renderAnswer } from "./render-answer.ts";
import { placedFrom, type Unpaid, unpaidOf } from "./unpaid-guard.ts";

export interface PlaceOptions {
  /** Whether the rate limit lets a draft through. It is asked at the same time as the first call to D1. */
  admits: (draft: Draft) => Promise<boolean>;
  /** True: all of them are placed, or none. False: each by itself. */
  together: boolean;
  /** Called when nothing is left to do but for drafts that wait, for units of others or for an object that hangs, or start again. */
  onFirstSettled?: () => void;
  /** For who places again and again: what the objects are to hear of the orders before. */
  news?: News;
}

/** The options of a placing under way. */
interface Placing extends PlaceOptions {
  news: News;
}

/** Within one request, the abandoned claim of a key is replaced by a fresh one at most twice. */
const MAX_ROUNDS = 3;

/**
 * Places a list of drafts, each by itself or all together: one call to D1, one round of reserves, one batch. A single
 * order is a list of one, and the drafts may be of different buyers. See docs/DESIGN.md §2 for the protocol; any await here
 * may be the last thing that this worker does.
 */
export async function placeOrders(
  context: Context,
  drafts: Draft[],
  options: PlaceOptions,
  outcomes: Outcomes = new Map<Draft, PlaceOutcome>(),
): Promise<PlaceOutcome[]> {
  const products = new Set(drafts.flatMap(({ lines }) => lines.map(({ productId }) => productId)));
  const rounds = Math.min(MAX_ROUNDS, roundsFor(products.size));
  const placing = { ...options, news: options.news ?? new News() };
  let waiting = drafts;
  for (let round = 1; waiting.length > 0 && round <= rounds; round++) {
    const again = await placeRound(context, waiting, placing, outcomes);
    // Drafts that are placed all or none start again together; those that were decided meanwhile repeat their answer.
    waiting = options.together && again.length > 0 ? drafts : again;
  }
  return drafts.map((draft) => outcomes.get(draft) ?? { kind: "unavailable" });
}

/** One generation of claims. Notes outcomes, and returns the drafts whose claim was abandoned under their key. */
async function placeRound(
  context: Context,
  drafts: Draft[],
  options: Placing,
  outcomes: Outcomes,
): Promise<Draft[]> {
  const { together, news } = options;
  const [facts, admitted] = await Promise.all([loadFacts(context, drafts), admittedOf(drafts, options)]);
  const quotes = await begin(context, drafts, facts, { admitted, together }, outcomes);
  if (quotes.length === 0) return [];
  if (together && quotes.length < drafts.length) {
    await withdraw(context, drafts, quotes, outcomes);
    return [];
  }
  if (together) {
    const reservations = await reserveAll(context, quotes, news);
    const waiting = await findWaiting(context, reservations);
    if (allMayYetBeHeld(reservations, waiting)) await tryAgain(context, waiting, news);
    return (await settle(context, reservations, options, outcomes)).again;
  }
  const { prompt, late } = await reservePromptly(context, quotes, news);
  const again = await Promise.all([
    settleEach(context, prompt, options, outcomes),
    late?.then((reservations) => settleEach(context, reservations, options, outcomes)),
  ]);
  return again.flatMap((drafts) => drafts ?? []);
}

/** Settles drafts that are placed each by itself: first those that need not wait for units of others. */
async function settleEach(
  context: Context,
  reservations: Map<Quote, Reservation>,
  options: Placing,
  outcomes: Outcomes,
): Promise<Draft[]> {
  if (reservations.size === 0) return [];
  const { onFirstSettled, news } = options;
  const waiting = await findWaiting(context, reservations);
  const afterRelease = retryAfterRelease(reservations, waiting);
  for (const quote of [...waiting.keys(), ...afterRelease.keys()]) reservations.delete(quote);
  // The others wait for what these release or keep.
  const first = await settle(context, reservations, options, outcomes);
  onFirstSettled?.();
  if (afterRelease.size > 0) {
    await first.released;
    await tryOnce(context, afterRelease, news);
  }
  await tryAgain(context, waiting, news);
  const rest = await settle(context, new Map([...afterRelease, ...waiting]), options, outcomes);
  return [...first.again, ...rest.again];
}

async function admittedOf(drafts: Draft[], { admits }: PlaceOptions): Promise<Set<Draft>> {
  const answers = await Promise.all(drafts.map(admits));
  return new Set(drafts.filter((_, index) => answers[index]));
}

/** One of the drafts that are placed all or none ended before anything was held: the others end too, holding nothing. */
async function withdraw(
  context: Context,
  drafts: Draft[],
  quotes: Quote[],
  outcomes: Outcomes,
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
  options: Placing,
  outcomes: Outcomes,
): Promise<{
  /** Drafts to start again. */
  again: Draft[];
  /** Resolves when the dead claims have released their holds, as far as their objects could be reached. */
  released: Promise<unknown>;
}> {
  if (reservations.size === 0) return { again: [], released: Promise.resolve() };
  const each = [...reservations].map(([quote, reservation]) => decide(context, quote, reservation));
  const decisions = options.together ? asOne(each) : each;
  const proposals = bounded(
    await Promise.all(decisions.map((decision) => propose(context, decision))),
    context.settings.MAX_UNPAID_UNITS,
    options.together,
  );
  const again: Draft[] = [];
  const dead: DeadClaim[] = [];
  for (const { commit, settled } of await recordOrAbandon(context, proposals, options)) {
    const decided = new Set<string>();
    for (const { decision, fateRow, outcome } of outcomesOf(settled, commit.stamp, options)) {
      const { quote } = decision;
      if (outcome.kind === "abandoned") again.push(quote.draft);
      else outcomes.set(quote.draft, outcome);
      if (outcome.kind === "decided") decided.add(quote.order.id);
      if (outcome.kind === "decided" && decision.fate === "placed")
        tellPlaced(context, options.news, decision.order);
      // Whoever reads a dead fate releases its holds, since the worker that wrote it may have died.
      if (fateRow && fateRow.fate !== "placed" && outcome.kind !== "abandoned") {
        dead.push({ claim: quote.claim, productIds: quote.order.items.map((item) => item.productId) });
      }
    }
    commit.wakeUp((task) => decided.has(task.object_id));
  }
  if (dead.length === 0) return { again, released: Promise.resolve() };
  const released = letGo(context, dead);
  context.defer(released);
  return { again, released };
}

interface Settled {
  decision: Decision;
  fateRow: FateRow | undefined;
  outcome: PlaceOutcome | { kind: "abandoned" };
}

/** Of drafts that are placed all or none, one that was refused ends the others: they were given up with it. */
function outcomesOf(settled: Recorded["settled"], stamp: string, { together }: Placing): Settled[] {
  const each = settled.map(([proposal, fateRow]) => ({
    ...{ decision: proposal.decision, fateRow },
    outcome: outcomeOf(proposal, fateRow, stamp),
  }));
  if (!together || !each.some(({ outcome }) => outcome.kind === "refused")) return each;
  return each.map((one) =>
    one.outcome.kind === "refused" ? one : { ...one, outcome: { kind: "withdrawn" } },
  );
}

/** What the objects of an order that was just placed would otherwise ask for. */
function tellPlaced({ generation }: Context, news: News, order: Order): void {
  for (const item of order.items) {
    news.placed(generation, item.productId, { ...followCommand(order, item), askAt: order.expiresAt });
  }
}

/** Completes a decision with the hash of a guest's token, the answer for its key, and its tasks. */
async function propose(context: Context, decision: Decision): Promise<Proposal> {
  if (decision.fate === "abandoned")
    return { decision, answer: null, tasks: [], placedFrom: null, unpaid: null };
  const { draft } = decision.quote;
  const accessTokenHash = draft.accessToken === null ? null : await sha256(draft.accessToken);
  const order = { ...decision.order, accessTokenHash };
  const answer = renderAnswer(draft, order, decision.fate === "rejected" ? decision.shortfalls : null);
  const own = { ...context, requestId: draft.requestId };
  const tasks = order.status === "confirmed" ? tasksOnConfirmation(own, order) : [];
  const from = await placedFrom(context, decision.quote);
  return { decision: { ...decision, order }, answer, tasks, placedFrom: from, unpaid: null };
}

/** Says of each which units may wait for their payment. */
function bounded(proposals: Proposal[], max: number, together: boolean): Proposal[] {
  const unpaid = unpaidOf(proposals, max, together);
  return proposals.map((proposal, index) => ({ ...proposal, unpaid: unpaid[index] ?? null }));
}

/** What one commit was to record, each proposal with the fate that its claim then has; without one where nobody knows. */
interface Recorded {
  commit: Commit;
  settled: [Proposal, FateRow | undefined][];
}

/**
 * Sends the batch and reads the fates after it. Where its outcome is not known, writes `abandoned` unless it did commit.
 * Where SQLite refused it, one proposal has spoilt it for the others: so it is sent again in halves, down to that one.
 * Each half is a commit of its own.
 */
async function recordOrAbandon(
  context: Context,
  proposals: Proposal[],
  placing: Placing,
): Promise<Recorded[]> {
  const { together, news } = placing;
  const commit = new Commit(context);
  const by = (fateRows: Map<string, FateRow>): Recorded[] => [
    { commit, settled: proposals.map((each) => [each, fateRows.get(each.decision.quote.claim)]) },
  ];
  try {
    const fateRows = await record(context, proposals, commit, together);
    news.arrived(context.generation, levelsIn(proposals));
    return by(fateRows);
  } catch (error) {
    if (!together && proposals.length > 1 && isRefusal(error)) {
      context.log.warn("a batch of orders is sent again in halves", { error: describeError(error) });
      const middle = Math.ceil(proposals.length / 2);
      const halves = [proposals.slice(0, middle), proposals.slice(middle)];
      return (await Promise.all(halves.map((half) => recordOrAbandon(context, half, placing)))).flat();
    }
    context.log.error("the outcome of a placing is not known", { error: describeError(error) });
  }
  try {
    return by(await abandon(context, proposals.map(claimRefOf)));
  } catch (error) {
    context.log.error("fates could not be read; their holds will ask", { error: describeError(error) });
    return by(new Map());
  }
}

/** The fate in D1 decides: whatever this worker proposed, it answers with what is stored there. */
function outcomeOf(
  { decision, answer, unpaid }: Proposal,
  fateRow: FateRow | undefined,
  stamp: string,
): PlaceOutcome | { kind: "abandoned" } {
  const { draft } = decision.quote;
  if (!fateRow && !draft.key && decision.fate === "placed") {
    return { kind: "unknown" };
  }
  if (!fateRow) return { kind: "unavailable" };
  if (fateRow.fate === "abandoned") {
    // Where the key has another claim by now, the order that has the cart may be its own.
    const refusal = fateRow.renewed ? null : (cartRefusal(draft, fateRow) ?? unpaidRefusal(fateRow, unpaid));
    if (refusal) return { kind: "refused", refusal };
    return { kind: draft.key ? "abandoned" : "unavailable" };
  }
  if (fateRow.stamp === stamp && decision.fate === fateRow.fate && answer) {
    return { kind: "decided", answer };
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

const unpaidRefusal = ({ unpaid_full }: FateRow, unpaid: Unpaid | null): Refusal | null =>
  unpaid_full && unpaid ? { kind: "too_many_unpaid", max: unpaid.max } : null;
