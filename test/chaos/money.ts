import { env } from "cloudflare:workers";
import { isLiving, type OrderStatus, type PaymentStatus } from "../../src/orders/lifecycle.ts";

interface OrderRow {
  id: string;
  status: OrderStatus;
  payment_status: PaymentStatus;
  payment_method: string;
  total: number;
  events_owed: number;
}

interface ItemRow {
  order_id: string;
  quantity: number;
  unit_price: number;
  /** JSON of `OrderAllocation[]`. */
  allocations: string;
}

interface PaymentRow {
  id: string;
  order_id: string;
  status: string;
  captured: number;
  refunded: number;
}

interface RefundRow {
  id: string;
  payment_id: string;
  order_id: string;
  amount: number;
  state: "due" | "sent" | "settled" | "failed";
}

interface EventRow {
  event_id: string;
  order_id: string | null;
  kind: "succeeded" | "failed" | "refunded" | "refund_failed";
  amount: number;
  state: "owed" | "done" | "flagged" | "unmatched";
  outcome: string | null;
}

/** Outcomes of an event whose money was taken into a payment. */
const TAKEN = ["paid", "late_paid", "second_payment", "refund_due"];

const sum = (amounts: number[]): number => amounts.reduce((total, amount) => total + amount, 0);

/** All of it as of one moment: a batch is one transaction. */
async function readAll() {
  const all = (table: string) => env.DB.prepare(`SELECT * FROM ${table}`);
  const [orders, items, payments, refunds, events] = await env.DB.batch([
    all("orders"),
    all("order_items"),
    all("payments"),
    all("refunds"),
    all("payment_events"),
  ]);
  return {
    orders: (orders?.results ?? []) as unknown as OrderRow[],
    items: (items?.results ?? []) as unknown as ItemRow[],
    payments: (payments?.results ?? []) as unknown as PaymentRow[],
    refunds: (refunds?.results ?? []) as unknown as RefundRow[],
    events: (events?.results ?? []) as unknown as EventRow[],
  };
}

/**
 * The invariant of money (docs/DESIGN.md §2), in words where it is broken now; none is what a test wants. What
 * providers told that they took is compared with what payments, refunds and orders say became of it. With `calm` also
 * what holds only when all that was owed is done.
 */
export async function brokenMoney({ calm }: { calm: boolean }): Promise<string[]> {
  const { orders, items, payments, refunds, events } = await readAll();
  const broken: string[] = [];
  for (const payment of payments) {
    broken.push(
      ...brokenPayment(
        payment,
        refunds.filter((refund) => refund.payment_id === payment.id),
      ),
    );
  }
  let kept = 0;
  for (const order of orders) {
    const theirs = {
      due: dueFor(
        order,
        items.filter((item) => item.order_id === order.id),
      ),
      payments: payments.filter((payment) => payment.order_id === order.id),
      refunds: refunds.filter((refund) => refund.order_id === order.id),
      events: events.filter((event) => event.order_id === order.id),
    };
    broken.push(...brokenOrder(order, theirs, calm));
    if (isLiving(order.status)) kept += keptBy(theirs);
  }
  if (calm) broken.push(...brokenTotals(events, refunds, payments, kept), ...unfinished(events, refunds));
  return broken;
}

interface Theirs {
  due: number;
  payments: PaymentRow[];
  refunds: RefundRow[];
  events: EventRow[];
}

/** What staff gave back was never the order's: it is compared with the events that took it, and with its refunds. */
const isOfOrder = ({ status }: PaymentRow): boolean => status !== "given_back";

const refundsOf = (payments: PaymentRow[], refunds: RefundRow[]): RefundRow[] =>
  refunds.filter((refund) => payments.some(({ id }) => id === refund.payment_id));

const capturedBy = (payments: PaymentRow[]): number => sum(payments.map(({ captured }) => captured));

const toldIn = (events: EventRow[], outcomes: string[]): number =>
  sum(events.filter(({ outcome }) => outcomes.includes(outcome ?? "")).map(({ amount }) => amount));

/** Its total, less the worth of units that were closed: those that an item was sold and is not given any more. */
function dueFor({ status, total }: OrderRow, items: ItemRow[]): number {
  if (status === "rejected") return total;
  const given = (allocations: string) =>
    sum((JSON.parse(allocations) as { quantity: number }[]).map(({ quantity }) => quantity));
  return total - sum(items.map((item) => item.unit_price * (item.quantity - given(item.allocations))));
}

function keptBy({ payments, refunds }: Pick<Theirs, "payments" | "refunds">): number {
  const theirs = payments.filter(isOfOrder);
  return capturedBy(theirs) - sum(promised(refundsOf(theirs, refunds)).map(({ amount }) => amount));
}

const promised = (refunds: RefundRow[]): RefundRow[] => refunds.filter(({ state }) => state !== "failed");

/** At every moment: never more is promised than was captured, and each promise is a refund. */
function brokenPayment(payment: PaymentRow, refunds: RefundRow[]): string[] {
  const broken: string[] = [];
  const sums = sum(promised(refunds).map(({ amount }) => amount));
  if (payment.refunded !== sums) broken.push(`${payment.id}: refunded ${payment.refunded}, refunds ${sums}`);
  if (sums > payment.captured) broken.push(`${payment.id}: refunds ${sums} of ${payment.captured}`);
  if (!["succeeded", "given_back"].includes(payment.status) && payment.captured !== 0) {
    broken.push(`${payment.id} is ${payment.status} with ${payment.captured}`);
  }
  return broken;
}

function brokenOrder(order: OrderRow, theirs: Theirs, calm: boolean): string[] {
  const { due, payments, refunds, events } = theirs;
  const broken: string[] = [];
  const say = (fault: string) => broken.push(`${order.id} (${order.status}): ${fault}`);
  const captured = capturedBy(payments.filter(isOfOrder));
  const taken = toldIn(events, TAKEN);
  const givenBack = [
    capturedBy(payments.filter((payment) => !isOfOrder(payment))),
    toldIn(events, ["given_back"]),
  ];
  const kept = keptBy(theirs);
  // What the provider would not send back is before staff, whatever became of the order.
  const own = refundsOf(payments.filter(isOfOrder), refunds);
  const refused = sum(own.filter(({ state }) => state === "failed").map(({ amount }) => amount));
  const owed = events.filter(({ state, outcome }) => state === "owed" && outcome === null).length;

  if (captured !== taken) say(`captured ${captured}, events took ${taken}`);
  if (givenBack[0] !== givenBack[1]) say(`gave back ${givenBack[0]}, events took ${givenBack[1]} for that`);
  if (order.events_owed !== owed) say(`events_owed ${order.events_owed}, there are ${owed}`);
  if (isLiving(order.status)) {
    if (order.status === "pending" && captured > 0) say(`pending with ${captured}`);
    if (order.status !== "pending" && order.payment_method === "card" && captured < order.total) {
      say(`goes on with ${captured} of ${order.total}`);
    }
    if (calm && kept - refused > due) say(`keeps ${kept}, and ${due} are due`);
    if (kept - refused > order.total) say(`keeps ${kept} of ${order.total}`);
  } else if (calm || order.status !== "cancelled") {
    if (kept > refused) say(`keeps ${kept}, and will never be filled`);
  }
  // Of what was closed of it, or of a second payment: one of all that is due stands whole.
  const whole = payments.some(
    (payment) =>
      isOfOrder(payment) &&
      payment.captured >= due &&
      !own.some(({ state, payment_id }) => state === "settled" && payment_id === payment.id),
  );
  if (calm && !allowedStatus(order, captured, own, whole)) say(`payment ${order.payment_status}`);
  return broken;
}

function allowedStatus(
  { status, payment_status, total }: OrderRow,
  captured: number,
  refunds: RefundRow[],
  whole: boolean,
) {
  const of = (...states: RefundRow["state"][]) =>
    sum(refunds.filter(({ state }) => states.includes(state)).map(({ amount }) => amount));
  if (captured === 0) return ["none", "awaiting", "failed"].includes(payment_status);
  const left = captured - of("settled");
  if (of("due", "sent") > 0 || (!isLiving(status) && left > 0)) return payment_status === "refund_due";
  if (left === 0) return payment_status === "refunded";
  if (of("settled") > 0 && left < total && !whole) return payment_status === "partially_refunded";
  return payment_status === "paid";
}

/** What came in is what went out, is going out, is before staff, or is what living orders were paid with. */
function brokenTotals(
  events: EventRow[],
  refunds: RefundRow[],
  payments: PaymentRow[],
  kept: number,
): string[] {
  const of = (keep: (event: EventRow) => boolean) =>
    sum(events.filter((event) => event.kind === "succeeded" && keep(event)).map(({ amount }) => amount));
  const came = of(({ state, outcome }) => state !== "owed" && outcome !== "already_captured");
  const flagged = of(({ state }) => state === "flagged" || state === "unmatched");
  const back = sum(promised(refunds).map(({ amount }) => amount));
  const refused =
    sum(payments.map(({ captured }) => captured)) - sum(payments.map(({ refunded }) => refunded)) - kept;
  return came === back + refused + flagged + kept
    ? []
    : [`came ${came}, back ${back}, refused ${refused}, flagged ${flagged}, kept ${kept}`];
}

function unfinished(events: EventRow[], refunds: RefundRow[]): string[] {
  return [
    ...events
      .filter(({ state, outcome }) => state === "owed" && outcome === null)
      .map(({ event_id }) => `event ${event_id} is owed`),
    ...refunds.filter(({ state }) => state === "due").map(({ id }) => `refund ${id} is due`),
  ];
}
