import { ring } from "../../events/work.ts";
import type { Context } from "../../platform/context.ts";
import { sha256 } from "../../platform/ids.ts";
import { describeError } from "../../platform/log.ts";
import { owedOnConfirmation } from "../confirmation.ts";
import type { Order } from "../order.ts";
import { type Answers, ask, claimOf } from "./ask.ts";
import { type Decision, decide, type Shortfall } from "./decide.ts";
import type { Draft } from "./draft.ts";
import { letGo } from "./let-go.ts";
import { type Quote, quote, type Refusal } from "./quote.ts";
import { abandon, askedOf, type Proposal, record, type Standing } from "./record.ts";
import { renewKey } from "./renew-key.ts";
import { type Reservation, reserveAll, thoseWhoMayWait, tryAgain } from "./reserve.ts";

/** What became of one draft. */
export type Placing =
  /** Decided here and now: an order, or a `rejected` one. The answer is what every twin will repeat. */
  | { kind: "decided"; order: Order; answer: Answer }
  /** Decided before, under the same key. */
  | { kind: "replayed"; answer: Answer }
  | { kind: "key_reused" }
  | { kind: "refused"; refusal: Refusal }
  | { kind: "limited" }
  /** The shop takes no orders just now. Nothing is held; the same request may be sent again. */
  | { kind: "stopped" }
  /** A backup overwrites the shop: not even a replay would be of what is there afterwards. */
  | { kind: "restoring" }
  /** A part did not answer. Nothing is lost and nothing sold: the same request may be sent again. */
  | { kind: "unavailable" }
  /** Without a key, and D1 away before it could be asked whether this order stands. */
  | { kind: "unknown"; order: Order; accessToken: string | undefined };

export interface Answer {
  status: number;
  body: string;
}

/** Writes the answer to a decided draft; it is stored under its key in the batch that decides. */
export type RenderAnswer = (
  order: Order,
  shortfalls: Shortfall[] | null,
  accessToken: string | undefined,
) => Answer;

export interface PlaceOptions {
  /** Whether the limit lets these drafts through; asked beside the first call to D1. */
  admitted: Promise<boolean>;
  render: RenderAnswer;
}

/** A key's abandoned claim is replaced by a fresh one at most so often in one request. */
const MAX_RESTARTS = 2;

/**
 * Places a list of drafts, each by itself: one call to D1, one round of reserves, one batch. A single order is a list
 * of one. See DESIGN.md §2 for the protocol; any await here may be the last thing that this worker does.
 */
export async function placeOrders(
  context: Context,
  drafts: Draft[],
  options: PlaceOptions,
): Promise<Placing[]> {
  const outcomes = new Map<Draft, Placing>();
  let waiting = drafts;
  for (let restarts = 0; waiting.length > 0 && restarts <= MAX_RESTARTS; restarts++) {
    waiting = await placeRound(context, waiting, options, outcomes);
  }
  return drafts.map((draft) => outcomes.get(draft) ?? { kind: "unavailable" });
}

/** One generation of claims. Notes outcomes, and returns the drafts whose claim was abandoned under their key. */
async function placeRound(
  context: Context,
  drafts: Draft[],
  options: PlaceOptions,
  outcomes: Map<Draft, Placing>,
): Promise<Draft[]> {
  const [answers, admitted] = await Promise.all([ask(context, drafts), options.admitted]);
  const quotes: Quote[] = [];
  await Promise.all(
    drafts.map(async (draft, index) => {
      const start = await startOf(context, draft, answers, index, admitted);
      if (start.kind === "quoted") quotes.push(start.quote);
      else outcomes.set(draft, start);
    }),
  );
  if (quotes.length === 0) return [];

  const reservations = await reserveAll(context, quotes);
  const patient = await thoseWhoMayWait(context, reservations);
  for (const quote of patient.keys()) reservations.delete(quote);
  // First those who need not wait: what they let go, or keep, is what the others wait for.
  const again = await settle(context, reservations, options, outcomes);
  await tryAgain(context, patient);
  return [...again, ...(await settle(context, patient, options, outcomes))];
}

/** Steps 3 to 5: proposes fates, records them, and obeys what stands. Returns the drafts to start again. */
async function settle(
  context: Context,
  reservations: Map<Quote, Reservation>,
  options: PlaceOptions,
  outcomes: Map<Draft, Placing>,
): Promise<Draft[]> {
  if (reservations.size === 0) return [];
  const proposals = await Promise.all(
    [...reservations].map(([quote, reservation]) =>
      propose(context, decide(context, quote, reservation), options),
    ),
  );
  const nonce = context.ids.next();
  const standings = await recordOrAbandon(context, proposals, nonce);

  const again: Draft[] = [];
  for (const proposal of proposals) {
    const { quote } = proposal.decision;
    const outcome = obey(context, proposal, standings.get(quote.claim), nonce);
    if (outcome.kind === "abandoned") again.push(quote.draft);
    else outcomes.set(quote.draft, outcome);
  }
  return again;
}

/** What a draft starts from: a priced order under a claim, or its end. */
async function startOf(
  context: Context,
  draft: Draft,
  answers: Answers,
  index: number,
  admitted: boolean,
): Promise<{ kind: "quoted"; quote: Quote } | Placing> {
  if (answers.selling === "restoring") return { kind: "restoring" };
  const key = answers.keys[index];
  if (!key) throw new Error("a draft was given no operation");
  if (key.kind === "reused") return { kind: "key_reused" };
  if (key.kind === "answered") return { kind: "replayed", answer: { status: key.status, body: key.body } };
  if (answers.selling === "stopped") return { kind: "stopped" };
  if (!admitted) return { kind: "limited" };

  let operation: string | null = key.operation;
  if (key.kind === "abandoned" && draft.key) {
    const known = draft.lines.map((line) => line.productId).filter((id) => answers.products.has(id));
    if (!(await letGo(context, claimOf(key.operation), known))) return { kind: "unavailable" };
    operation = await renewKey(context, draft.key, key.operation);
    if (operation === null) return { kind: "unavailable" };
  }
  const quoted = quote(context, draft, operation, answers);
  return quoted.kind === "quoted" ? quoted : refuse(context, draft, claimOf(operation), quoted);
}

/**
 * A refusal under a key decides, too: a twin that saw another catalogue may be about to record. So the claim that they
 * share is given up first; where the twin was faster, its answer is the answer.
 */
async function refuse(context: Context, draft: Draft, claim: string, refusal: Refusal): Promise<Placing> {
  if (!draft.key) return { kind: "refused", refusal };
  const standing = (await abandon(context, [{ claim, key: draft.key }])).get(claim);
  if (standing?.fate === "abandoned") return { kind: "refused", refusal };
  return standing ? storedAnswer(standing) : { kind: "unavailable" };
}

const storedAnswer = ({ status, body }: Standing): Placing =>
  status === null || body === null ? { kind: "unavailable" } : { kind: "replayed", answer: { status, body } };

/** Completes a decision with a guest's token, the answer for its key, and what it owes. */
async function propose(context: Context, decision: Decision, { render }: PlaceOptions): Promise<Proposal> {
  if (decision.fate === "abandoned") return { decision, answer: null, accessToken: undefined, work: [] };
  const accessToken = decision.order.userId === null ? context.ids.secret() : undefined;
  const order = { ...decision.order, accessTokenHash: accessToken ? await sha256(accessToken) : null };
  const answer = render(order, decision.fate === "rejected" ? decision.shortfalls : null, accessToken);
  const work = order.status === "confirmed" ? owedOnConfirmation(context, order) : [];
  return { decision: { ...decision, order }, answer, accessToken, work };
}

/** The batch, and what stands after it. When its outcome is not known: `abandoned`, unless it did commit. */
async function recordOrAbandon(
  context: Context,
  proposals: Proposal[],
  nonce: string,
): Promise<Map<string, Standing>> {
  try {
    return await record(context, proposals, nonce);
  } catch (error) {
    context.log.error("the outcome of a placing is not known", { error: describeError(error) });
  }
  try {
    return await abandon(context, proposals.map(askedOf));
  } catch (error) {
    context.log.error("fates could not be read; their holds will ask", { error: describeError(error) });
    return new Map();
  }
}

/** The row decides: whatever this worker proposed, it does and answers what stands. */
function obey(
  context: Context,
  { decision, answer, accessToken, work }: Proposal,
  standing: Standing | undefined,
  nonce: string,
): Placing | { kind: "abandoned" } {
  const { claim, draft, order } = decision.quote;
  if (!standing && !draft.key && decision.fate === "placed") {
    return { kind: "unknown", order: decision.order, accessToken };
  }
  if (!standing) return { kind: "unavailable" };
  if (standing.fate === "abandoned" && draft.key) return { kind: "abandoned" };
  // Whoever reads a dead fate lets go: the one who wrote it may be dead as well.
  if (standing.fate !== "placed") {
    const productIds = order.items.map((item) => item.productId);
    context.defer(letGo(context, claim, productIds));
  }
  if (standing.fate === "abandoned") return { kind: "unavailable" };
  if (standing.stamp === nonce && decision.fate === standing.fate && answer) {
    if (work.length > 0) context.defer(ring(context, work));
    return { kind: "decided", order: decision.order, answer };
  }
  return storedAnswer(standing);
}
