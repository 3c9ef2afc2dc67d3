import { claimOf } from "../../claims/ids.ts";
import { letGo } from "../../claims/let-go.ts";
import type { Context } from "../../platform/context.ts";
import type { PlaceFacts } from "./ask.ts";
import type { Draft } from "./draft.ts";
import type { PlaceOutcome } from "./placing.ts";
import { storedAnswer } from "./placing.ts";
import { type Quote, quote, type Refusal } from "./quote.ts";
import { abandon } from "./record.ts";
import { renewKeys } from "./renew-keys.ts";

/** Prices drafts under their claims by what D1 said, and notes the outcome of those that end here. */
export async function begin(
  context: Context,
  drafts: Draft[],
  answers: PlaceFacts,
  { admitted, together }: { admitted: boolean; together: boolean },
  outcomes: Map<Draft, PlaceOutcome>,
): Promise<Quote[]> {
  const fresh: Started[] = [];
  const spent: Started[] = [];
  drafts.forEach((draft, index) => {
    const key = answers.keys[index];
    if (!key) throw new Error("a draft was given no operation");
    if (answers.selling === "restoring") outcomes.set(draft, { kind: "restoring" });
    else if (key.kind === "reused") outcomes.set(draft, { kind: "key_reused" });
    else if (key.kind === "answered") {
      outcomes.set(draft, { kind: "replayed", answer: { status: key.status, body: key.body } });
    } else if (answers.selling === "stopped") outcomes.set(draft, { kind: "stopped" });
    else if (!admitted) outcomes.set(draft, { kind: "limited" });
    else (key.kind === "abandoned" ? spent : fresh).push({ draft, operation: key.operation });
  });

  // What stands or falls together has one generation of claims: where one is spent, so are the others.
  if (together && spent.length > 0) spent.push(...(await giveUp(context, fresh.splice(0), outcomes)));
  const renewed = await renew(context, answers, spent, together, outcomes);
  const quotes: Quote[] = [];
  const refused: Refused[] = [];
  for (const { draft, operation } of [...fresh, ...renewed]) {
    const quoted = quote(context, draft, operation, answers);
    if (quoted.kind === "quoted") quotes.push(quoted.quote);
    else refused.push({ draft, claim: claimOf(operation), outcome: { kind: "refused", refusal: quoted } });
  }
  await refuse(context, refused, outcomes);
  return quotes;
}

interface Started {
  draft: Draft;
  operation: string;
}

/** Writes that claims without a fate are abandoned. Returns those that are; another's answer is the answer. */
async function giveUp(
  context: Context,
  started: Started[],
  outcomes: Map<Draft, PlaceOutcome>,
): Promise<Started[]> {
  if (started.length === 0) return [];
  const standings = await abandon(
    context,
    started.map(({ draft, operation }) => ({
      claim: claimOf(operation),
      key: draft.key,
      cart: draft.cart,
    })),
  );
  return started.filter(({ draft, operation }) => {
    const standing = standings.get(claimOf(operation));
    if (standing?.fate === "abandoned") return true;
    outcomes.set(draft, standing ? storedAnswer(standing) : { kind: "unavailable" });
    return false;
  });
}

/**
 * Claims that were abandoned under their keys let go everywhere, and only then fresh ones take their place; together,
 * where that is wanted.
 */
async function renew(
  context: Context,
  answers: PlaceFacts,
  spent: Started[],
  together: boolean,
  outcomes: Map<Draft, PlaceOutcome>,
): Promise<Started[]> {
  if (spent.length === 0) return [];
  const untold = await letGo(
    context,
    spent.map(({ draft, operation }) => ({
      claim: claimOf(operation),
      productIds: draft.lines.map((line) => line.productId).filter((id) => answers.products.has(id)),
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
 * A refusal under a key decides, too: a twin that saw another catalogue may be about to record. So the claim that they
 * share is given up first; where the twin was faster, its answer is the answer.
 */
export async function refuse(
  context: Context,
  refused: Refused[],
  outcomes: Map<Draft, PlaceOutcome>,
): Promise<void> {
  const keyed = refused.filter(({ draft }) => draft.key !== null);
  const standings =
    keyed.length === 0
      ? new Map()
      : await abandon(
          context,
          keyed.map(({ draft, claim }) => ({ claim, key: draft.key, cart: draft.cart })),
        );
  for (const { draft, claim, outcome } of refused) {
    const standing = standings.get(claim);
    if (!draft.key || standing?.fate === "abandoned") outcomes.set(draft, outcome);
    else outcomes.set(draft, standing ? storedAnswer(standing) : { kind: "unavailable" });
  }
}
