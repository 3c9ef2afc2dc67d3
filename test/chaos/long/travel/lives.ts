import { env } from "cloudflare:workers";
import type { OrderStatus, PaymentStatus } from "../../../../src/orders/lifecycle.ts";
import { HISTORY } from "../../../orders/history-rows.ts";
import type { Buyer } from "./buyer.ts";
import type { Provider, Told } from "./provider.ts";
import { GOODWILL } from "./staff.ts";

interface OrderRow {
  id: string;
  reference: string;
  customer_email: string;
  status: OrderStatus;
  payment_status: PaymentStatus;
  payment_method: string;
  total: number;
  expires_at: number | null;
  deadline: number | null;
  steps: string;
  ordered: number;
  allocated: number;
  shipped: number;
  returned: number;
  /** The order's version by its last return; 0 without one. */
  last_return: number;
  captured: number;
  /** Worth of the units that were closed, minor units. */
  closed: number;
  /** Of a unit, minor units. */
  price: number;
}

export interface RefundRow {
  id: string;
  order_id: string;
  amount: number;
  state: "due" | "sent" | "settled" | "failed";
  reason: string | null;
}

interface EventRow {
  event_id: string;
  order_id: string | null;
  reference: string;
  kind: string;
  amount: number;
  state: string;
  outcome: string | null;
  received_at: number;
}

/** What D1 says of one order at the end, with what its buyer and its provider know of it. */
export interface Life extends Omit<OrderRow, "steps"> {
  buyer: Buyer;
  /** The statuses that it went through. */
  steps: OrderStatus[];
  refunds: RefundRow[];
  events: EventRow[];
  /** Payments of the whole sum, told while it was due; nobody knows of others. */
  paid: (Told & { event: EventRow })[];
}

export interface Ends {
  lives: Life[];
  refunds: RefundRow[];
  events: EventRow[];
  mailWork: { id: string; object_id: string }[];
  dead: Set<string>;
}

/** Reads how all orders of the shop ended. @param dead ids of the events whose task was once given up */
export async function readEnds(buyers: Buyer[], provider: Provider, dead: Set<string>): Promise<Ends> {
  const results = await env.DB.batch([
    env.DB.prepare(
      `SELECT o.id, o.reference, o.customer_email, o.status, o.payment_status, o.payment_method, o.total, o.expires_at,
         (SELECT json_group_array(h.to_status ORDER BY h.version) FROM ${HISTORY} AS h WHERE h.order_id = o.id)
           AS steps,
         (SELECT coalesce(max(r.order_version), 0) FROM returns AS r WHERE r.order_id = o.id) AS last_return,
         (SELECT h.snapshot ->> 'expires_at' FROM ${HISTORY} AS h WHERE h.order_id = o.id AND h.version = 1)
           AS deadline,
         (SELECT coalesce(sum(p.captured), 0) FROM payments AS p WHERE p.order_id = o.id) AS captured,
         (SELECT sum(i.quantity) FROM order_items AS i WHERE i.order_id = o.id) AS ordered,
         (SELECT coalesce(sum(a.value ->> 'quantity'), 0) FROM order_items AS i, json_each(i.allocations) AS a
          WHERE i.order_id = o.id) AS allocated,
         (SELECT coalesce(sum(a.value ->> 'shipped'), 0) FROM order_items AS i, json_each(i.allocations) AS a
          WHERE i.order_id = o.id) AS shipped,
         (SELECT coalesce(sum(line.value ->> 'quantity'), 0) FROM returns AS r, json_each(r.items) AS line
          WHERE r.order_id = o.id) AS returned,
         (SELECT o.total / sum(i.quantity) FROM order_items AS i WHERE i.order_id = o.id) AS price
       FROM orders AS o ORDER BY o.customer_email`,
    ),
    env.DB.prepare("SELECT id, order_id, amount, state, reason FROM refunds"),
    env.DB.prepare("SELECT * FROM payment_events"),
    env.DB.prepare(
      // An order by card is confirmed as it is paid, and one mail says both.
      `SELECT w.id, w.object_id FROM work AS w JOIN orders AS o ON o.id = w.object_id WHERE w.task = 'email'
         AND w.payload ->> 'template' = iif(o.payment_method = 'card', 'order_paid', 'order_confirmation')`,
    ),
  ]);
  const refunds = rowsOf<RefundRow>(results, 1);
  const events = rowsOf<EventRow>(results, 2);
  const lives = rowsOf<OrderRow>(results, 0).map((row): Life => {
    const buyer = buyers.find(({ email }) => email === row.customer_email);
    if (!buyer) throw new Error(`${row.id} is nobody's`);
    const theirs = events.filter(({ order_id }) => order_id === row.id);
    const closed = (row.ordered - row.allocated) * row.price;
    return {
      ...row,
      buyer,
      steps: JSON.parse(row.steps) as OrderStatus[],
      closed,
      refunds: refunds.filter(({ order_id }) => order_id === row.id),
      events: theirs,
      paid: provider.told.flatMap((told) => {
        const event = theirs.find(({ event_id }) => event_id === told.eventId);
        const whole = told.kind === "succeeded" && told.amount === row.total && told.currency === "USD";
        // Of an invoice that had a part closed before, it is more than is due: before staff, as any wrong sum.
        const isTooMuch = closed > 0 && event?.outcome === "wrong_amount";
        return whole && event && !isTooMuch ? [{ ...told, event }] : [];
      }),
    };
  });
  return { lives, refunds, events, mailWork: rowsOf(results, 3), dead };
}

const sum = (amounts: number[]): number => amounts.reduce((total, amount) => total + amount, 0);

/** What of the order's money is neither back nor on its way, refunds that the provider refused not counted as kept. */
function keptOf({ captured, refunds }: Life): number {
  const of = (failed: boolean) =>
    sum(refunds.filter(({ state }) => (state === "failed") === failed).map(({ amount }) => amount));
  const left = captured - of(false);
  // What the provider refused is before staff, however often they asked for the same again.
  return left < 0 ? left : Math.max(0, left - of(true));
}

/** The events whose money the order took for its own. */
const takenFor = ({ events }: Life): EventRow[] =>
  events.filter(({ outcome }) => outcome === "paid" || outcome === "late_paid");

type Rule = [holds: boolean, fault: string];

/** Each way in which an order may stand at the end, and what must be true of it then. */
const ENDS: Record<OrderStatus, (life: Life, dead: Set<string>) => Rule[]> = {
  pending: () => [[false, "waits past its deadline"]],
  confirmed: (life) => [...alive(life), [life.shipped === 0, "has shipped"]],
  processing: (life) => [...alive(life), [life.shipped < life.allocated, "has nothing left to ship"]],
  shipped: (life) => [...alive(life), ...gone(life), [!isAllBack(life), "is all back"]],
  delivered: (life) => [...alive(life), ...gone(life), [!isAllBack(life), "is all back"]],
  returned: (life) => [...alive(life), ...gone(life), [life.returned === life.shipped, "is not all back"]],
  cancelled: (life) => [...over(life), [life.buyer.cancelAsked, "nobody cancelled it"]],
  expired: (life, dead) => [
    ...over(life),
    [life.payment_method === "card", "waited for no payment"],
    [!life.paid.some((paid) => inTime(life, paid) && !dead.has(paid.eventId)), "was paid in time"],
  ],
  rejected: (life) => [
    ...over(life),
    [life.steps.every((step) => step === "rejected"), "lived before"],
    [life.buyer.told !== "placed", "its buyer was told that it stands"],
  ],
};

/** Answered 200 before the deadline: whenever it was worked off, the order waited for it. */
const inTime = (life: Life, { event }: Life["paid"][number]): boolean =>
  life.deadline !== null && event.received_at < life.deadline;

function alive(life: Life): Rule[] {
  // Of what a restore took away the provider tells that it went back; the order may live again without that money.
  const reasons = [GOODWILL, "made at the payment provider"];
  const goodwill = sum(
    life.refunds.filter(({ reason }) => reasons.includes(reason ?? "")).map(({ amount }) => amount),
  );
  const taken = takenFor(life);
  const byCard = life.payment_method === "card";
  // Paid once for all of it; what was closed or came back later went back. Goodwill from before that counts against it, and
  // goodwill after it goes back besides. An invoice may be paid by card after it was closed.
  const most = Math.max(0, taken.length * life.total - life.closed - life.returned * life.price);
  const least = Math.max(0, most - goodwill);
  const kept = keptOf(life);
  const revived = life.steps.includes("expired");
  return [
    [life.buyer.told !== "rejected", "its buyer was told that there is none"],
    [!life.buyer.cancelGranted, "was cancelled"],
    [byCard ? taken.length === 1 : taken.length <= 1, `took ${taken.length} payments for its own`],
    [
      (least <= kept && kept <= most) || (!byCard && life.closed + life.returned > 0),
      `keeps ${kept} and not ${least} to ${most}`,
    ],
    [life.expires_at === null, "has a deadline still"],
    [revived === taken.some(({ outcome }) => outcome === "late_paid"), "was revived by no late payment"],
  ];
}

const gone = (life: Life): Rule[] => [
  [life.shipped === life.allocated, "has units left to ship"],
  [life.shipped > 0, "has shipped nothing"],
];

/** What came back while the rest had yet to leave, or to be closed, leaves an order that is shipped after it. */
const isAllBack = ({ returned, shipped, last_return, steps }: Life): boolean =>
  returned >= shipped && last_return > steps.indexOf("shipped") + 1;

function over(life: Life): Rule[] {
  return [
    [keptOf(life) === 0, `keeps ${keptOf(life)}`],
    [life.shipped === 0, "has shipped"],
    [!life.buyer.cancelGranted || life.status === "cancelled", "was cancelled"],
  ];
}

/** What no order's end excuses. */
function always(life: Life): Rule[] {
  const known = new Set([...life.paid.map(({ eventId }) => eventId)]);
  const flagged = life.events.filter(({ state, kind }) => state === "flagged" && kind === "succeeded");
  return [
    [flagged.every(({ event_id }) => !known.has(event_id)), "flagged a payment of the whole sum"],
    [life.events.every(({ state }) => state !== "owed"), "has events that are owed"],
    [
      life.paid.every(({ event }) => ACCOUNTED.includes(event.outcome ?? "")),
      "lost sight of a payment of the whole sum",
    ],
  ];
}

const ACCOUNTED = ["paid", "late_paid", "second_payment", "refund_due", "already_captured"];

/** What is wrong with how these orders ended, in words; none is what a test wants. */
export function wrongEnds({ lives, dead }: Ends): string[] {
  return lives.flatMap((life) =>
    [...ENDS[life.status](life, dead), ...always(life)]
      .filter(([holds]) => !holds)
      .map(([, fault]) => `${life.buyer.email} ${life.reference} (${life.steps.join(" > ")}): ${fault}`),
  );
}

/** The rows of the n-th statement of a batch. */
function rowsOf<T>(results: D1Result[], index: number): T[] {
  return (results[index]?.results ?? []) as T[];
}
