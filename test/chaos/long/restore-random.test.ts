import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { restoreShop } from "../../../src/cli/restore-shop.ts";
import { tellStandard } from "../../payments/tell.ts";
import { chance } from "../../support/chance.ts";
import { testClock } from "../../support/clock.ts";
import { basket, get, post } from "../../support/shop.ts";
import { Boundary } from "../boundary.ts";
import { givenAdmin, quiet, recordShipments, saved } from "../shop-backup.ts";
import { Stage, send, sweep, wakeObject } from "../stage.ts";

/**
 * Backups taken while the shop sells, and restores at moments that nobody chose, with writers asleep through them: they
 * placed, cancelled, shipped or paid in a history that is gone, and wake in the open shop. Every invariant holds at every
 * step after the restore; a key has one order, whichever history it came from; and what was answered after the restore is
 * there.
 */
const SEEDS = 14;
const HOUR = 3_600_000;
const MINUTE = 60_000;

interface Sleeper {
  boundary: Boundary;
  sent: ReturnType<typeof send>;
}

test.each(Array.from({ length: SEEDS }, (_, seed) => ({ seed })))(
  "schedule $seed",
  { timeout: 120_000 },
  async ({ seed }) => {
    const { below, pick, odds } = chance(seed);
    const stage = await Stage.build(
      pick([
        [2, 3],
        [5, 5],
      ]),
    );
    let during: (() => Promise<void>) | null = null;
    const { api, headers } = await givenAdmin(async () => {
      if (during !== null && odds(25)) await during();
    });
    const keys: { key: string; body: Record<string, unknown> }[] = [];
    const sleepers: Sleeper[] = [];
    /** Orders that were answered 201 since the restore. */
    const acknowledged = new Map<string, string>();
    let restored = false;

    const ask = async (path: string, body: unknown, more: Record<string, string>, mayWait: boolean) => {
      const stalls = mayWait && odds(45);
      const boundary = new Boundary(stalls ? { at: 1 + below(6), ending: "stalls" } : null);
      const sent = send(boundary, path, body, more);
      const noted = sent.answer.then(async (answer) => {
        if (path !== "/orders" || answer.status !== 201 || !restored) return;
        const order = await answer.clone().json<{ id: string; access_token?: string }>();
        // A replay may be of an order from before.
        if (order.access_token) acknowledged.set(order.id, order.access_token);
      });
      noted.catch(() => {});
      if (stalls) {
        sleepers.push({ boundary, sent });
        await Promise.race([boundary.reached, noted]);
      } else {
        await noted;
        await Promise.all(sent.deferred);
      }
    };

    const place = async (mayWait: boolean) => {
      const products = odds(50) ? stage.productIds : [pick(stage.productIds)];
      const body = basket(Object.fromEntries(products.map((id) => [id, 1])), {
        payment_method: pick(["invoice", "invoice", "card"]),
      });
      const key = `a-guest-key-of-${seed}-${keys.length}`;
      keys.push({ key, body });
      await ask("/orders", body, { "Idempotency-Key": key }, mayWait);
    };
    const retry = async (mayWait: boolean) => {
      if (keys.length === 0) return;
      const { key, body } = pick(keys);
      await ask("/orders", body, { "Idempotency-Key": key }, mayWait);
    };
    const orders = async (): Promise<{ id: string; reference: string; total: number }[]> =>
      (await env.DB.prepare("SELECT id, reference, total FROM orders").all<never>()).results;
    const change = async (mayWait: boolean) => {
      const all = await orders();
      if (all.length === 0) return;
      const { id, reference, total } = pick(all);
      const [product_id = ""] = stage.productIds;
      const one = { items: [{ product_id, quantity: 1 }] };
      switch (below(5)) {
        case 0:
          return ask(`/orders/${id}/cancel`, {}, headers, mayWait);
        case 1:
          return ask(`/orders/${id}/shipments`, {}, headers, mayWait);
        case 2:
          return ask(`/orders/${id}/shipments`, one, headers, mayWait);
        case 3:
          return ask(`/orders/${id}/transitions`, { to: "processing" }, headers, mayWait);
        default:
          await tellStandard({ event_id: `evt_${below(1e9)}`, reference, status: "success", amount: total });
      }
    };
    const pass = async () => {
      testClock.advance(pick([MINUTE, 10 * MINUTE, HOUR]));
      if (odds(50)) await sweep();
      else await wakeObject(pick(stage.productIds), new Boundary());
    };
    const act = async (mayWait: boolean) =>
      pick([place, place, place, retry, change, change, change, pass])(mayWait);
    const wakeOne = async () => {
      const [sleeper] = sleepers.splice(below(sleepers.length), 1);
      if (!sleeper) return;
      sleeper.boundary.wake();
      await sleeper.sent.answer.catch(() => {});
      await Promise.all(sleeper.sent.deferred).catch(() => {});
    };

    for (let step = 0; step < 8; step++) {
      await act(true);
      await stage.mustHold();
    }
    during = () => (odds(10) ? wakeOne() : act(true));
    const { backup } = await saved(api);
    during = null;
    for (let step = 0; step < 6; step++) await act(true);

    // While it is restored, who slept wakes now and then, and who asks is told to come again.
    during = () => (odds(8) ? wakeOne() : act(false));
    const outcome = await restoreShop(api, backup, quiet);
    during = null;
    // Parcels that left while the backup was made are a person's, and nothing else is.
    if (outcome.kind === "stopped") await recordShipments(outcome, headers);
    else expect(outcome).toMatchObject({ kind: "open", open: [] });
    restored = true;
    await stage.mustHold();
    for (let step = 0; step < 8; step++) {
      await (odds(60) ? wakeOne() : act(false));
      await stage.mustHold();
    }
    while (sleepers.length > 0) {
      await wakeOne();
      await stage.mustHold();
    }
    await stage.settle();

    for (const { key, body } of keys) {
      const again = async () => {
        const answer = await post("/orders", body, { "Idempotency-Key": key });
        return { status: answer.status, text: await answer.text() };
      };
      const first = await again();
      expect([201, 409]).toContain(first.status);
      expect(await again()).toEqual(first);
    }
    await stage.settle();
    for (const [id, token] of acknowledged) {
      expect((await get(`/orders/${id}`, { "X-Order-Token": token })).status).toBe(200);
    }
  },
);
