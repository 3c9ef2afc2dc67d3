import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { runTasks, type TaskHandlers } from "../../../src/events/run-tasks.ts";
import { expireUnpaid } from "../../../src/orders/steps/expire.ts";
import { followOrder } from "../../../src/orders/steps/tasks.ts";
import type { PaymentEvent } from "../../../src/payments/money.ts";
import type {
  CancellerOf,
  CancelOutcome,
  RefunderOf,
  RefundOutcome,
} from "../../../src/payments/provider.ts";
import { setAsideDead } from "../../../src/payments/set-aside.ts";
import { endPaymentsBy, payRefundBy, settlePaymentEvent } from "../../../src/payments/tasks.ts";
import { prefixed, systemIds } from "../../../src/platform/ids.ts";
import type { Settings } from "../../../src/platform/settings.ts";
import { Boundary } from "../../chaos/boundary.ts";
import { brokenInvariants, type Opening } from "../../chaos/invariants.ts";
import { brokenMoney } from "../../chaos/money.ts";
import { testContext } from "../../events/context.ts";
import { owe } from "../../events/rows.ts";
import { testClock } from "../../support/clock.ts";
import { basket, givenShop, placed, post } from "../../support/shop.ts";

/** What triggers keep of the orders, for a test that takes the orders away. */
export const FIGURES = ["order_figures", "product_figures"];

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** Bells that nobody hears. */
const silent = { send: async () => {}, sendBatch: async () => {} } as unknown as Queue;

export const QUIET = { ORDERS_QUEUE: silent, PAYMENTS_QUEUE: silent, NOTIFICATIONS_QUEUE: silent };

/**
 * A shop whose payments are worked off by the test's own hand: no bell rings, so a task runs when the test says, under
 * the boundary that it gives. The provider behind it counts what it is asked to pay back, each refund once.
 */
export class Till {
  readonly productIds: string[];
  readonly storeIds: string[];
  readonly opening: Opening;
  /** What the provider answers to a refund. */
  answer: (refundId: string) => RefundOutcome = () => ({ kind: "settled", providerId: null });
  /** Refund ids as the provider was called with them. */
  readonly asked: string[] = [];
  /** What the provider has paid out, by refund id: its idempotency key. */
  readonly paidOut = new Map<string, number>();
  /** What the provider answers to the end of a payment, and what it was asked to end, by its own names. */
  ending: () => CancelOutcome = () => ({ kind: "ended" });
  readonly ended: (string | null)[] = [];
  readonly mails: string[] = [];
  /** How long what nothing explains yet waits for a message that does. Where a test tells all in its order, nothing waits. */
  waitHours = 0;
  /** A provider in the place of the one that only counts, and the settings that it reads. */
  real: { refunderOf: RefunderOf; cancellerOf?: CancellerOf; settings: Settings } | null = null;

  private constructor(productIds: string[], storeIds: string[], opening: Opening) {
    this.productIds = productIds;
    this.storeIds = storeIds;
    this.opening = opening;
  }

  /** A product for each number of units; a list of them is of several stores. */
  static async open(...stock: (number | number[])[]): Promise<Till> {
    const levels = stock.map((units) => (typeof units === "number" ? [units] : units));
    const { productIds, storeIds } = await givenShop(levels);
    const opening = levels.map((units) => units.reduce((sum, quantity) => sum + quantity, 0));
    return new Till(productIds, storeIds, new Map(productIds.map((id, index) => [id, opening[index] ?? 0])));
  }

  /** One of each product, by card. */
  order(more: Record<string, unknown> = {}) {
    const quantities = Object.fromEntries(this.productIds.map((id) => [id, 1]));
    return post("/orders", basket(quantities, { payment_method: "card", ...more })).then(placed);
  }

  #handlers(boundary: Boundary): TaskHandlers {
    return {
      email: async (_context, task) => {
        if (["order_confirmation", "order_paid"].includes(String(task.payload.template)))
          this.mails.push(task.objectId);
        return { kind: "done" };
      },
      "end-payments": endPaymentsBy(this.real?.cancellerOf ?? (() => this.#ending(boundary))),
      follow: followOrder,
      "fulfilment-step": async () => ({ kind: "done" }),
      "payment-event": settlePaymentEvent,
      reconcile: async () => ({ kind: "done" }),
      restock: async () => ({ kind: "done" }),
      refund: payRefundBy(this.real?.refunderOf ?? (() => this.#counting(boundary))),
    };
  }

  #ending(boundary: Boundary): ReturnType<CancellerOf> {
    return {
      cancel: (_context, payment) =>
        boundary.cross("provider.cancel", async () => {
          this.ended.push(payment.providerId);
          return this.ending();
        }),
    };
  }

  #counting(boundary: Boundary): ReturnType<RefunderOf> {
    return {
      refund: (_context, _payment, refund) =>
        boundary.cross("provider.refund", async () => {
          this.asked.push(refund.id);
          const outcome = this.answer(refund.id);
          if (outcome.kind === "settled" || outcome.kind === "sent")
            this.paidOut.set(refund.id, refund.amount);
          return outcome;
        }),
    };
  }

  context(boundary: Boundary = new Boundary()) {
    const deferred: Promise<unknown>[] = [];
    const watched = boundary.watch(env);
    const context = testContext({
      env: { ...watched, ...QUIET },
      defer: (work) => void deferred.push(work.catch(() => {})),
    });
    context.settings = {
      ...(this.real?.settings ?? context.settings),
      PAYMENT_EVENT_WAIT_HOURS: this.waitHours,
    };
    return { context, deferred };
  }

  /** Works these tasks off once. A worker that dies or stalls in it is given up on. */
  async work(ids: string[], boundary = new Boundary()): Promise<void> {
    const { context, deferred } = this.context(boundary);
    const worked = runTasks(context, this.#handlers(boundary), ids).then(() => Promise.all(deferred));
    await Promise.race([worked.catch(() => {}), boundary.still()]);
  }

  async expire(boundary = new Boundary()): Promise<void> {
    const { context, deferred } = this.context(boundary);
    const swept = setAsideDead(context)
      .then(() => expireUnpaid(context))
      .then(() => Promise.all(deferred));
    await Promise.race([swept.catch(() => {}), boundary.still()]);
  }

  /** All that is due now and what comes of it, until nothing is. */
  async drain(): Promise<void> {
    for (let rounds = 0; rounds < 20; rounds++) {
      const ids = await dueWork();
      if (ids.length === 0) return;
      await this.work(ids);
    }
    throw new Error("the work never ends");
  }

  async mustHold(calm = false): Promise<void> {
    expect(await brokenInvariants(this.opening, { calm })).toEqual([]);
    expect(await brokenMoney({ calm })).toEqual([]);
  }

  async #isCalm(): Promise<boolean> {
    const broken = await brokenMoney({ calm: true });
    return broken.length === 0 && (await brokenInvariants(this.opening, { calm: true })).length === 0;
  }

  /** Lets leases, holds and deadlines pass until nothing is left to do; the invariants hold at every step. */
  async settle(): Promise<void> {
    for (let rounds = 0; rounds < 2; rounds++) {
      testClock.advance(HOUR + MINUTE);
      for (const id of this.productIds) await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(id)));
      await this.mustHold();
      await this.drain();
      await this.expire();
      await this.drain();
      if (await this.#isCalm()) return;
    }
    await this.mustHold(true);
  }
}

async function dueWork(): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT id FROM work WHERE state = 'owed' AND not_before <= ?1 ORDER BY not_before, id",
  )
    .bind(testClock.now())
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

type TestEvent = Partial<Omit<PaymentEvent, "stamp" | "state" | "outcome">>;

/** Stores an event as the receiver does, with its task, and rings nothing. Returns its id and its task's. */
export async function tell(
  order: { id: string; reference: string } | null,
  event: TestEvent = {},
): Promise<{ eventId: string; workId: string; operation: string }> {
  const operation = event.operation ?? systemIds.next();
  const eventId = event.eventId ?? `evt_of_provider_${operation}`;
  const provider = event.provider ?? "standard";
  const workId = prefixed("wrk", systemIds.next());
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO payment_events (provider, event_id, order_id, reference, kind, amount, currency, provider_id,
         refund_id, state, outcome, operation, stamp, received_at)
       VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, (SELECT total FROM orders WHERE id = ?3), 0), ?7, ?8, ?11, 'owed', NULL,
         ?9, ?9, ?10)`,
    ).bind(
      provider,
      eventId,
      order?.id ?? null,
      event.reference ?? order?.reference ?? "ORD-NOBODYS",
      event.kind ?? "succeeded",
      event.amount ?? null,
      event.currency ?? null,
      event.providerId ?? null,
      operation,
      testClock.now(),
      event.refundId ?? null,
    ),
    env.DB.prepare("UPDATE orders SET events_owed = events_owed + 1 WHERE id = ?1").bind(order?.id ?? ""),
  ]);
  await owe({
    id: workId,
    task: "payment-event",
    object_id: order?.id ?? eventId,
    payload: { provider, event_id: eventId },
  });
  return { eventId, workId, operation };
}

/** A payment that was opened for an order, and not paid yet. */
export async function openPayment(
  order: { id: string },
  payment: { id: string; provider?: string; providerId?: string | null },
): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO payments (id, order_id, provider, provider_id, status, amount, currency, captured, refunded,
       client_secret, stamp, created_at, updated_at)
     SELECT ?1, id, ?3, ?4, 'open', total, currency, 0, 0, NULL, 'opened', ?5, ?5 FROM orders WHERE id = ?2`,
  )
    .bind(payment.id, order.id, payment.provider ?? "standard", payment.providerId ?? null, testClock.now())
    .run();
}

export async function rows<T = Record<string, unknown>>(sql: string, ...parameters: unknown[]): Promise<T[]> {
  return (
    await env.DB.prepare(sql)
      .bind(...parameters)
      .all<T>()
  ).results;
}

export async function orderRow(id: string) {
  const [row] = await rows<Record<string, unknown>>(
    "SELECT status, payment_status, version, claim_id, revival_claim, expires_at, events_owed FROM orders WHERE id = ?1",
    id,
  );
  return row;
}

export async function eventRow(eventId: string) {
  const [row] = await rows(
    "SELECT state, outcome, order_id FROM payment_events WHERE event_id = ?1",
    eventId,
  );
  return row;
}

export const paymentRows = (orderId: string) =>
  rows(
    `SELECT id, provider, provider_id, status, captured, refunded FROM payments WHERE order_id = ?1
     ORDER BY created_at, id`,
    orderId,
  );

export const refundRows = (orderId: string) =>
  rows(
    "SELECT id, payment_id, amount, state, reason FROM refunds WHERE order_id = ?1 ORDER BY created_at, id",
    orderId,
  );

export const eventTypes = async (objectId: string): Promise<unknown[]> =>
  (await rows("SELECT type FROM events WHERE object_id = ?1 ORDER BY seq", objectId)).map(({ type }) => type);
