import { claimOf } from "../../claims/ids.ts";
import { letGo } from "../../claims/let-go.ts";
import type { Context } from "../../platform/context.ts";
import { answerKey } from "../../platform/idempotency-keys.ts";
import { notRestoredSince } from "../../platform/restoring.ts";
import { run } from "../../platform/sql.ts";
import type { Order } from "../order.ts";
import { readOrder } from "../read/find.ts";
import type { Shortfall } from "./decide.ts";
import type { Draft } from "./draft.ts";
import type { PlaceFacts } from "./load.ts";
import { type Outcomes, storedAnswer } from "./outcome.ts";
import { type Quote, quote, type Refusal } from "./quote.ts";
import { abandon } from "./record.ts";
import { renderAnswer } from "./render-answer.ts";
import { renewKeys } from "./renew-keys.ts";

/** Prices the drafts by what D1 said, and notes the outcome of those that end here. */
export async function begin(
  context: Context,
  drafts: Draft[],
  facts: PlaceFacts,
  { admitted, together }: { admitted: Set<Draft>; together: boolean },
  outcomes: Outcomes,
): Promise<Quote[]> {
  const decided: Decided[] = [];
  const fresh: Started[] = [];
  const spent: Started[] = [];
  drafts.forEach((draft, index) => {
    const key = facts.keys[index];
    if (!key) throw new Error("a draft was given no operation");
    if (facts.selling === "restoring") outcomes.set(draft, { kind: "restoring" });
    else if (isSignedOut(draft, facts)) outcomes.set(draft, { kind: "signed_out" });
    // Its cart was read before a restore: it may be another one by now.
    else if (draft.generation !== null && draft.generation !== facts.generation) {
      outcomes.set(draft, { kind: "unavailable" });
    } else if (key.kind === "reused") outcomes.set(draft, { kind: "key_reused" });
    else if (key.kind === "answered") {
      outcomes.set(draft, { kind: "replayed", answer: { status: key.status, body: key.body } });
    } else if (key.kind === "decided") decided.push({ draft, orderId: key.orderId });
    else if (facts.selling === "stopped") outcomes.set(draft, { kind: "stopped" });
    else if (!admitted.has(draft)) outcomes.set(draft, { kind: "limited" });
    else (key.kind === "abandoned" ? spent : fresh).push({ draft, operation: key.operation });
  });

  await answerDecided(context, decided, outcomes);
  // Drafts that are placed all or none have one generation of claims: where one is spent, so are the others.
  if (together && spent.length > 0) spent.push(...(await giveUp(context, fresh.splice(0), outcomes)));
  const renewed = await renew(context, facts, spent, together, outcomes);
  const quotes: Quote[] = [];
  const refused: Refused[] = [];
  for (const { draft, operation } of [...fresh, ...renewed]) {
    const quoted = quote(context, draft, operation, facts);
    if (quoted.kind === "quoted") quotes.push(quoted.quote);
    else refused.push({ draft, claim: claimOf(operation), outcome: { kind: "refused", refusal: quoted } });
  }
  await refuse(context, refused, outcomes);
  return quotes;
}

/** Of customers the guard before the route does not look at the session, since it comes with the facts. */
const isSignedOut = ({ actor }: Draft, { openSessions }: PlaceFacts): boolean =>
  actor.kind === "user" && actor.role === "customer" && !openSessions.has(actor.sessionId);

interface Decided {
  draft: Draft;
  orderId: string;
}

/** Answers from the orders themselves, and stores that under the keys. */
async function answerDecided(context: Context, decided: Decided[], outcomes: Outcomes): Promise<void> {
  for (const { draft, orderId } of decided) {
    const order = await readOrder(context, orderId);
    if (!order || !draft.key) {
      outcomes.set(draft, { kind: "unavailable" });
      continue;
    }
    // A twin drew the guest's token, perhaps: it was given once, and is not known.
    const answer = renderAnswer({ ...draft, accessToken: null }, order, shortfallsOf(order));
    await run(context.env.DB, answerKey({ ...draft.key, ...answer }, notRestoredSince(context)));
    outcomes.set(draft, { kind: "replayed", answer });
  }
}

/** For a rejected order: what was short, as its items tell. Null for others. */
export const shortfallsOf = ({ status, items }: Order): Shortfall[] | null =>
  status !== "rejected"
    ? null
    : items.flatMap(({ productId, quantity, available }) =>
        available === null ? [] : [{ product_id: productId, requested: quantity, available }],
      );

interface Started {
  draft: Draft;
  operation: string;
}

/** Writes `abandoned` for claims without a fate. Returns those that are abandoned; for others the stored answer counts. */
async function giveUp(context: Context, started: Started[], outcomes: Outcomes): Promise<Started[]> {
  if (started.length === 0) return [];
  const fateRows = await abandon(
    context,
    started.map(({ draft, operation }) => ({
      claim: claimOf(operation),
      key: draft.key,
      cart: draft.cart,
    })),
  );
  return started.filter(({ draft, operation }) => {
    const fateRow = fateRows.get(claimOf(operation));
    if (fateRow?.fate === "abandoned") return true;
    outcomes.set(draft, fateRow ? storedAnswer(fateRow) : { kind: "unavailable" });
    return false;
  });
}

/**
 * Releases all holds of claims that were abandoned under their keys, and only then sets fresh claims in their place.
 * @param together all of them or none
 */
async function renew(
  context: Context,
  facts: PlaceFacts,
  spent: Started[],
  together: boolean,
  outcomes: Outcomes,
): Promise<Started[]> {
  if (spent.length === 0) return [];
  const untold = await letGo(
    context,
    spent.map(({ draft, operation }) => ({
      claim: claimOf(operation),
      productIds: draft.lines.map((line) => line.productId).filter((id) => facts.products.has(id)),
    })),
  );
  const free =
    together && untold.size > 0 ? [] : spent.filter(({ operation }) => !untold.has(claimOf(operation)));
  const operations = await renewKeys(
    context,
    free.flatMap(({ draft, operation }) => (draft.key ? [{ key: draft.key, abandoned: operation }] : [])),
    together,
  );
  const renewed = free.flatMap(({ draft }, index) => {
    const operation = operations[index];
    return operation == null ? [] : [{ draft, operation }];
  });
  const going = new Set(renewed.map(({ draft }) => draft));
  for (const { draft } of spent) if (!going.has(draft)) outcomes.set(draft, { kind: "unavailable" });
  return renewed;
}

export interface Refused {
  draft: Draft;
  claim: string;
  outcome: { kind: "refused"; refusal: Refusal } | { kind: "withdrawn" };
}

/**
 * A refusal under a key decides it, too: a twin that saw another catalogue may be about to record an order. So the claim
 * that they share is abandoned first; where the twin was faster, its answer counts.
 */
export async function refuse(context: Context, refused: Refused[], outcomes: Outcomes): Promise<void> {
  const keyed = refused.filter(({ draft }) => draft.key !== null);
  const fateRows =
    keyed.length === 0
      ? new Map()
      : await abandon(
          context,
          keyed.map(({ draft, claim }) => ({ claim, key: draft.key, cart: draft.cart })),
        );
  for (const { draft, claim, outcome } of refused) {
    const fateRow = fateRows.get(claim);
    if (!draft.key || fateRow?.fate === "abandoned") outcomes.set(draft, outcome);
    else outcomes.set(draft, fateRow ? storedAnswer(fateRow) : { kind: "unavailable" });
  }
}
