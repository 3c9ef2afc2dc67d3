import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { z } from "zod";
import { type Api, createApi } from "../../../../src/cli/api.ts";
import { type BackupReader, type OpenDrift, restoreShop } from "../../../../src/cli/restore-shop.ts";
import { signIn } from "../../../support/sign-in.ts";
import type { Opening } from "../../invariants.ts";
import { quiet, saved } from "../../shop-backup.ts";
import type { Buyer } from "./buyer.ts";
import type { Provider } from "./provider.ts";
import { MINUTE, type World } from "./world.ts";

/** Saves the shop while it sells, and restores it once, whoever sleeps through that. Beside each of its calls life goes on. */
export class Operator {
  readonly #world: World;
  readonly #api: Api;
  #backup: { reader: BackupReader; opening: Opening } | null = null;

  private constructor(world: World, token: string) {
    this.#world = world;
    this.#api = createApi("http://shop.test", token, async (url, init) => {
      if (!world.agenda.isEmpty && world.chance.odds(30)) await world.happen();
      return world.fetch(new Request(url, init));
    });
  }

  static async hire(world: World): Promise<Operator> {
    return new Operator(world, (await signIn("admin")).token);
  }

  async save(): Promise<void> {
    this.#world.restocks = false;
    const opening = new Map(this.#world.opening);
    const { backup } = await saved(this.#api);
    this.#world.restocks = true;
    this.#backup = { reader: backup, opening };
  }

  async restore(buyers: Buyer[], provider: Provider): Promise<void> {
    const backup = this.#backup;
    // It is still being made.
    if (backup === null) {
      this.#world.agenda.in(10 * MINUTE, () => this.restore(buyers, provider));
      return;
    }
    this.#world.restocks = false;
    this.#world.mayForget = true;
    const { kind, open } = await restoreShop(this.#api, backup.reader, quiet);
    if (kind === "stopped") await this.#shipAgain(open);
    this.#world.restocks = true;
    await this.#beginAnew(backup.opening, buyers, provider);
  }

  /**
   * What a restore leaves to a person: orders that left the shop after the backup had read them from D1, and before it read
   * their objects. Their shipments are recorded again, and then the shop is opened.
   */
  async #shipAgain(open: OpenDrift[]): Promise<void> {
    expect(open.map(({ kind, state }) => `${kind} ${state}`)).toEqual(open.map(() => "order_unheld shipped"));
    for (const { order_id, product_id, detail } of open) {
      const [wanted = 0, held = 0] = (detail.match(/\d+/g) ?? []).map(Number);
      const items = [{ product_id, quantity: wanted - held }];
      await this.#api.post(`/orders/${order_id}/shipments`, { items }, z.unknown());
      this.#world.happened.push("shipped again after a restore");
    }
    await this.#api.post("/ops/selling", { state: "open" }, z.unknown());
  }

  /** Everybody forgets what they were told of a history that is gone. What they are told from now on must stand. */
  async #beginAnew(opening: Opening, buyers: Buyer[], provider: Provider): Promise<void> {
    const [orders, events, mails] = await env.DB.batch<Record<string, string>>([
      env.DB.prepare("SELECT id, customer_email, status FROM orders"),
      env.DB.prepare("SELECT event_id FROM payment_events"),
      env.DB.prepare("SELECT id FROM work WHERE task = 'email' AND state = 'done'"),
    ]);
    this.#world.beginAnew(opening, new Set(mails?.results.map(({ id = "" }) => id)));
    provider.beginAnew(new Set(events?.results.map(({ event_id = "" }) => event_id)));
    for (const buyer of buyers) {
      const order = orders?.results.find(({ customer_email }) => customer_email === buyer.email);
      buyer.beginAnew(order?.id ?? null, order?.status ?? null);
    }
  }
}
