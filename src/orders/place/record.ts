import { abandoned, type Fate, type NewFate, writeFates } from "../../claims/fates.ts";
import type { NewEvent, NewTask } from "../../events/append.ts";
import { Commit } from "../../events/commit.ts";
import { project } from "../../inventory/projection/projection.ts";
import type { StockReport } from "../../inventory/stock-types.ts";
import type { Context } from "../../platform/context.ts";
import type { IdempotencyKey } from "../../platform/idempotency.ts";
import { answerKeys, IS_KEY_OF_ROW } from "../../platform/idempotency-keys.ts";
import { prefixed } from "../../platform/ids.ts";
import { each, eachPart, type Sql, sql } from "../../platform/sql.ts";
import type { Order } from "../order.ts";
import { NEW_ITEM, NEW_ORDER, rowsOf } from "../rows.ts";
import { ITS_OBJECT, wonOrder } from "../steps/stamped.ts";
import { CART_ALLOWS, CART_STATE, markCarts } from "./cart-guard.ts";
import type { Decision } from "./decide.ts";
import type { DraftCart } from "./draft.ts";
import type { Answer } from "./outcome.ts";
import { openTokens, sealToken } from "./sealed-token.ts";
import { UNPAID_ALLOWS, type Unpaid } from "./unpaid-guard.ts";

/** A decision with the answer that its key will repeat from now on. */
export interface Proposal {
  decision: Decision;
  answer: Answer | null;
  /** Tasks to add if it is won, and to wake after the answer. */
  tasks: NewTask[];
  /** `orders.placed_from` */
  placedFrom: string | null;
  unpaid: Unpaid | null;
}

/** The fate that D1 has for a claim after the batch, whichever worker wrote it. */
export interface FateRow {
  claim: string;
  fate: Fate;
  /** The stamp of the commit that wrote it: this commit's own, where it won. */
  stamp: string;
  /** The stored answer under the draft's key, which every twin repeats. Null for the commit that wrote it: it knows it. */
  status: number | null;
  body: string | null;
  /** Whether the key has got another claim since: this one says nothing of what the key stands for. */
  renewed: number;
  /** The version of its cart; null where it has none, or where that is gone. */
  cart_version: number | null;
  /** The living order that has spent its cart: `{id, reference}`. */
  spent_by: string | null;
  /** Whether it was given up, and too many units wait for their payment for it to be tried anew. */
  unpaid_full: number;
}

/**
 * Step 3 of placing: one batch, which is one transaction, for any number of drafts. By the stamp rule the first statement
 * wins fates, by an insert that yields to one that is there, with the commit's stamp on them. Every later statement is
 * joined on that stamp, so that a draft that was not won writes nothing; the last one reads the fates. Only the levels that
 * holds carry for the projection are written in any case: they are as old as they say, whatever becomes of the orders. A draft whose
 * cart, or whose buyer's unpaid orders, do not allow its fate gets `abandoned` by the second statement, so that its holds can be released.
 * @param commit a fresh one: its stamp tells what was won, also where the answer of the batch is lost
 * @param together if one of them is not won, the batch fails and writes nothing
 */
export async function record(
  context: Context,
  proposals: Proposal[],
  commit: Commit,
  together: boolean,
): Promise<Map<string, FateRow>> {
  const now = context.clock.now();
  const { stamp } = commit;
  const placed = proposals.flatMap(({ decision, placedFrom, unpaid }) =>
    decision.fate === "abandoned" ? [] : [{ order: decision.order, placedFrom, unpaid }],
  );
  const orders = placed.map(({ order }) => order);
  const checkouts = orders.filter(({ cartId }) => cartId !== null);
  const refusable = placed.filter(({ order, unpaid }) => order.cartId !== null || unpaid !== null);
  const won = wonOrder(ITS_OBJECT, stamp);
  const answers = await answersOf(context, proposals);

  commit.win(writeFates(proposals.map(fateOf), stamp, now, MAY_BE));
  if (refusable.length > 0) {
    const fallen = refusable.map(({ order }) => abandoned(order.claimId));
    commit.write(writeFates(fallen, context.ids.next(), now));
  }
  if (together) commit.write(allOrNothing(claimsOf(proposals), stamp));
  commit.write(...insertOrders(placed, stamp));
  if (checkouts.length > 0) commit.write(markCarts(checkouts, stamp, now));
  commit.events(
    orders.map((order) => placingEvent(context, order)),
    won,
  );
  commit.owe(
    proposals.flatMap((proposal) => proposal.tasks),
    won,
  );
  commit.write(
    ...answerKeys(
      answers,
      sql`EXISTS (
    SELECT 1 FROM claims AS c WHERE c.id = row.value ->> 'claim' AND c.stamp = ${stamp})`,
    ),
  );
  commit.write(...project(levelsIn(proposals), now));
  const fateRow = commit.read(readFateRows(proposals.map(claimRefOf), stamp));
  return byClaim(await openTokens(context, (await commit.send()).rows(fateRow)));
}

/** The levels that the holds of these orders carry for the projection. */
export const levelsIn = (proposals: Proposal[]): StockReport[] =>
  proposals.flatMap(({ decision }) => (decision.fate === "placed" ? decision.levels : []));

const claimsOf = (proposals: Proposal[]): string[] => proposals.map(({ decision }) => decision.quote.claim);

/** The answers that keys will repeat from now on, each with the claim that must have been won. */
const answersOf = (context: Context, proposals: Proposal[]) =>
  Promise.all(
    proposals.flatMap(({ decision: { quote }, answer }) => {
      const { key, accessToken } = quote.draft;
      return answer && key ? [answerOf(context, { key, accessToken, answer, claim: quote.claim })] : [];
    }),
  );

interface GivenAnswer {
  key: IdempotencyKey;
  accessToken: string | null;
  answer: Answer;
  claim: string;
}

const answerOf = async (
  context: Context,
  { key: { scope, key }, accessToken, answer, claim }: GivenAnswer,
) => ({
  ...{ scope, key, claim, status: answer.status },
  body: accessToken === null ? answer.body : await sealToken(context, answer.body, accessToken),
});

/** A claim, with the key that its answer is stored under and the cart that it checks out. */
export interface ClaimRef {
  claim: string;
  key: IdempotencyKey | null;
  cart: DraftCart | null;
  /** Given where the order's units were to be counted. */
  unpaid?: Unpaid | null;
}

/**
 * Gives claims up: writes `abandoned` where no fate is there yet, and reads the fates. It has a stamp of its own and
 * never that of the record: a record that was taken for lost may still arrive, and must not take this fate for its own.
 * Whether that record did commit is seen by its stamp.
 */
export async function abandon(context: Context, asked: ClaimRef[]): Promise<Map<string, FateRow>> {
  const commit = new Commit(context, "none");
  const fates = asked.map(({ claim }) => abandoned(claim));
  commit.win(writeFates(fates, commit.stamp, context.clock.now()));
  const fateRow = commit.read(readFateRows(asked, commit.stamp));
  return byClaim(await openTokens(context, (await commit.send()).rows(fateRow)));
}

/** What a fate requires of what stands in D1 beside it, in SQL over `row.value`, the fate as JSON. */
const MAY_BE = sql`${CART_ALLOWS} AND ${UNPAID_ALLOWS}`;

/** A fate with what it requires: a cart, at this version and not spent, and few units unpaid. Null: nothing. */
interface NewOrderFate extends NewFate {
  unpaid: Unpaid | null;
  cart: string | null;
  cart_version: number | null;
}

function fateOf({ decision, unpaid }: Proposal): NewOrderFate {
  const { claim, draft } = decision.quote;
  if (decision.fate === "abandoned")
    return { ...abandoned(claim), cart: null, cart_version: null, unpaid: null };
  const { cart } = draft;
  return {
    ...{ claim, fate: decision.fate, order_id: decision.order.id },
    ...{ cart: cart?.id ?? null, cart_version: cart?.version ?? null },
    unpaid,
  };
}

export const claimRefOf = ({ decision: { quote }, unpaid }: Proposal): ClaimRef => ({
  claim: quote.claim,
  key: quote.draft.key,
  cart: quote.draft.cart,
  unpaid,
});

/** Violates a constraint, so that the whole batch fails, unless the commit won every fate. */
const allOrNothing = (claims: string[], stamp: string): Sql => sql`
  INSERT INTO claims (id, fate, stamp, decided_at) SELECT NULL, NULL, NULL, NULL
  WHERE (SELECT count(*) FROM ${each(claims)} AS row JOIN claims AS c ON c.id = row.value AND c.stamp = ${stamp})
    < ${claims.length}`;

/** Orders whose fates were won, with their items and the stores that they take stock from. */
function insertOrders(placed: { order: Order; placedFrom: string | null }[], stamp: string): Sql[] {
  const rows = placed.map(({ order, placedFrom }) => rowsOf(order, placedFrom, stamp));
  const stores = placed.flatMap(({ order }) => {
    const ids = order.items.flatMap((item) => item.allocations.map(({ store_id }) => store_id));
    return [...new Set(ids)].map((storeId) => ({ orderId: order.id, storeId }));
  });
  return [
    ...eachPart(rows.map(({ row }) => row)).map(
      (part) => sql`
        INSERT INTO orders (${NEW_ORDER.columns}) SELECT ${NEW_ORDER.values}
        FROM ${part} AS row JOIN claims AS c ON c.id = row.value ->> 'claimId'
          AND c.stamp = ${stamp} AND c.order_id = row.value ->> 'id'`,
    ),
    ...eachPart(rows.flatMap(({ itemRows }) => itemRows)).map(
      (part) => sql`
        INSERT INTO order_items (${NEW_ITEM.columns}) SELECT ${NEW_ITEM.values}
        FROM ${part} AS row JOIN orders AS o ON o.id = row.value ->> 'orderId' AND o.stamp = ${stamp}`,
    ),
    ...eachPart(stores).map(
      (part) => sql`
        INSERT INTO order_stores (store_id, order_id) SELECT row.value ->> 'storeId', o.id
        FROM ${part} AS row JOIN orders AS o ON o.id = row.value ->> 'orderId' AND o.stamp = ${stamp}`,
    ),
  ];
}

/** Leaves out the answers that this commit itself wrote: they need not travel back. */
function readFateRows(asked: ClaimRef[], stamp: string): Sql<FateRow> {
  const rows = asked.map(({ claim, key, cart, unpaid }) => ({
    ...{ claim, scope: key?.scope ?? null, key: key?.key ?? null },
    ...{ cart: cart?.id ?? null, unpaid },
  }));
  return sql`
    SELECT c.id AS claim, c.fate, c.stamp, iif(c.id = k.claim, k.status, NULL) AS status,
      iif(c.id = k.claim AND c.stamp <> ${stamp}, k.body, NULL) AS body, coalesce(c.id <> k.claim, 0) AS renewed, ${CART_STATE},
      c.fate = 'abandoned' AND NOT ${UNPAID_ALLOWS} AS unpaid_full
    FROM ${each(rows)} AS row JOIN claims AS c ON c.id = row.value ->> 'claim'
    LEFT JOIN (SELECT *, 'clm_' || operation AS claim FROM idempotency) AS k ON ${IS_KEY_OF_ROW}`;
}

const byClaim = (fateRows: FateRow[]): Map<string, FateRow> =>
  new Map(fateRows.map((fateRow) => [fateRow.claim, fateRow]));

function placingEvent(context: Context, order: Order): NewEvent {
  return {
    id: prefixed("evt", context.ids.next()),
    type: order.status === "rejected" ? "order.rejected" : "order.placed",
    at: order.createdAt,
    object_type: "order",
    object_id: order.id,
    object_version: order.version,
    data: {
      reference: order.reference,
      status: order.status,
      payment_status: order.paymentStatus,
      total: order.total,
      currency: order.currency,
    },
  };
}
