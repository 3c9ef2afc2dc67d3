import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { sha256 } from "../../src/platform/ids.ts";
import { testClock } from "../support/clock.ts";
import { basket, get, givenShop } from "../support/shop.ts";
import worker, { alarmBoundary } from "../support/worker.ts";
import { Boundary } from "./boundary.ts";
import { brokenBy } from "./checks.ts";
import { brokenInvariants, type Opening, UNFINISHED_WORK } from "./invariants.ts";

const HOUR = 3_600_000;

/** A shop with two products, and a worker at the edge of it that can die. */
export class Stage {
  readonly productIds: string[];
  readonly opening: Opening;

  private constructor(productIds: string[], opening: Opening) {
    this.productIds = productIds;
    this.opening = opening;
  }

  static async build(stock: [number, number]): Promise<Stage> {
    const { productIds } = await givenShop(stock.map((quantity) => [quantity]));
    return new Stage(productIds, new Map(productIds.map((id, index) => [id, stock[index] ?? 0])));
  }

  /** One of each product. */
  order(more: Record<string, unknown> = {}): Record<string, unknown> {
    return basket(Object.fromEntries(this.productIds.map((id) => [id, 1])), more);
  }

  async mustHold(calm = false): Promise<void> {
    expect(await brokenInvariants(this.opening, { calm })).toEqual([]);
  }

  /** The order is expired, once, and all of its units are free. */
  async mustBeExpired(order: { id: string; access_token?: string | undefined }): Promise<void> {
    const page = await get(`/orders/${order.id}`, { "X-Order-Token": order.access_token ?? "" });
    expect(await page.json()).toMatchObject({ status: "expired", version: 2 });
    for (const productId of this.productIds) {
      expect(await stockOf(env, productId).levels()).toMatchObject({ on_hand: 1, reserved: 0 });
    }
  }

  settle(): Promise<void> {
    return settleAll([this]);
  }
}

/** Lets deadlines pass and sweeps run until nothing is left to do; the invariants hold at every step. */
export async function settleAll(stages: Stage[]): Promise<void> {
  const opening = new Map(stages.flatMap((stage) => [...stage.opening]));
  const mustHold = async (calm: boolean) => expect(await brokenInvariants(opening, { calm })).toEqual([]);
  for (let rounds = 0; rounds < 2; rounds++) {
    testClock.advance(HOUR + 60_000);
    for (const productId of opening.keys()) {
      await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(productId)));
    }
    await mustHold(false);
    await sweep();
  }
  // The queue brings the wake-ups. To ask for all that must hold costs more than to ask whether they were followed.
  const soon = { timeout: 5_000, interval: 5 };
  await vi.waitFor(async () => expect(await brokenBy(UNFINISHED_WORK)).toEqual([]), soon);
  await vi.waitFor(() => mustHold(true), soon);
}

/** A request through the whole Worker, whose every call to another part crosses the boundary. */
export function send(
  boundary: Boundary,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): { answer: Promise<Response>; deferred: Promise<unknown>[] } {
  const deferred: Promise<unknown>[] = [];
  const request = new Request(`http://shop.test/api/v1${path}`, {
    method: "POST",
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const answer = Promise.resolve(
    worker.fetch(request as never, boundary.watch(env), executionContext(deferred)),
  );
  // A dead worker answers nobody; a failed one answers for itself.
  answer.catch(() => {});
  return { answer, deferred };
}

/** The minute sweep, watched: a new minute for the jobs that come each minute, wherever the clock stands. */
export async function sweep(boundary = new Boundary()): Promise<void> {
  await env.DB.prepare(
    `UPDATE jobs SET ran_for = ran_for - 60000 WHERE name IN ('expire-unpaid', 'resolve-delayed', 'send-owed')`,
  ).run();
  const deferred: Promise<unknown>[] = [];
  await worker.scheduled(
    { scheduledTime: testClock.now(), cron: "* * * * *", noRetry: () => {} } as ScheduledController,
    boundary.watch(env),
    executionContext(deferred),
  );
  await Promise.all(deferred);
}

/** An object's alarm, watched; it may die in it. */
export async function wakeObject(productId: string, boundary: Boundary): Promise<void> {
  alarmBoundary.current = boundary;
  await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(productId)));
  alarmBoundary.current = null;
}

/** Waits for a watched request to answer; null where its worker is dead, or stalls, and answers nobody. */
export async function outcomeOf(
  sent: { answer: Promise<Response>; deferred: Promise<unknown>[] },
  boundary: Boundary,
): Promise<Response | null> {
  const finished = sent.answer.then(async (response) => {
    await Promise.all(sent.deferred).catch(() => {});
    return response;
  });
  finished.catch(() => {});
  return Promise.race([finished, boundary.still().then(() => null)]);
}

/** What keeps a worker alive after its answer goes on the list. */
export function executionContext(deferred: Promise<unknown>[]): ExecutionContext {
  return {
    waitUntil: (work: Promise<unknown>) => void deferred.push(work),
    passThroughOnException: () => {},
    props: {},
  } as unknown as ExecutionContext;
}

/** How many orders an Idempotency-Key came to. */
export async function ordersUnder(key: string): Promise<number> {
  const row = await env.DB.prepare(
    `SELECT count(*) AS orders FROM orders AS o JOIN idempotency AS k ON o.id = 'ord_' || k.operation WHERE k.key IN (?1, ?2)`,
  )
    // A guest's is kept as its hash.
    .bind(key, `•${await sha256(key)}`)
    .first<{ orders: number }>();
  return row?.orders ?? 0;
}
