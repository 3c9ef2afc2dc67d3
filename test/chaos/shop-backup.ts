import { env, exports } from "cloudflare:workers";
import { type Api, createApi } from "../../src/cli/api.ts";
import {
  type BackupReader,
  DRAIN_MS,
  type RestoreOptions,
  type RestoreOutcome,
} from "../../src/cli/restore-shop.ts";
import { type BackupWriter, type Manifest, saveShop } from "../../src/cli/save-shop.ts";
import { stockOf } from "../../src/inventory/client.ts";
import { testClock } from "../support/clock.ts";
import { post } from "../support/shop.ts";
import { PASSWORD, signInFirstAdmin } from "../support/sign-in.ts";

/** A directory that is not one: the files as text, as a disk would have them. */
function memory() {
  const files = new Map<string, string>();
  const writer: BackupWriter = {
    append: async (file, rows) => {
      const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
      files.set(file, (files.get(file) ?? "") + text);
    },
    close: async () => [...files.keys()].map((name) => ({ name, rows: 0, sha256: "" })),
  };
  const reader = (manifest: Manifest): BackupReader => ({
    manifest,
    rows: async function* (file) {
      for (const line of (files.get(file) ?? "").split("\n")) if (line !== "") yield JSON.parse(line);
    },
  });
  return { files, writer, reader };
}

/** As `npm run restore` of a shop elsewhere, in no time. */
export const quiet: RestoreOptions = {
  password: PASSWORD,
  forceOpen: false,
  print: () => {},
  report: async () => {},
  drainMs: DRAIN_MS,
  pause: (milliseconds) => testClock.sleep(milliseconds),
};

/** The admin's API, over the Worker itself. `watch` sees each call before it goes. */
export async function givenAdmin(watch: (method: string, path: string) => Promise<void> = async () => {}) {
  const { token, headers } = await signInFirstAdmin();
  const api = createApi("http://shop.test", token, async (url, init) => {
    await watch(init.method ?? "GET", new URL(url).pathname.replace("/api/v1", ""));
    return exports.default.fetch(url, init);
  });
  return { api, headers };
}

export async function saved(api: Api): Promise<{ backup: BackupReader; files: Map<string, string> }> {
  const { files, writer, reader } = memory();
  return { backup: reader(await saveShop(api, writer, () => {})), files };
}

/**
 * What an operator does whose restore left the shop stopped because parcels had left that their orders know nothing of:
 * records their shipment again, or cancels an order that cannot be shipped, and opens the shop.
 */
export async function recordShipments(
  { open }: RestoreOutcome,
  headers: Record<string, string>,
): Promise<void> {
  const parcels = new Map(open.map((one) => [`${one.order_id} ${one.product_id}`, one]));
  for (const { order_id, product_id, state } of parcels.values()) {
    if (state !== "shipped") throw new Error(`${product_id} of ${order_id} is ${state}`);
    const row = await env.DB.prepare(
      `SELECT o.claim_id AS claim, i.allocations FROM orders AS o JOIN order_items AS i ON i.order_id = o.id
       WHERE o.id = ?1 AND i.product_id = ?2`,
    )
      .bind(order_id, product_id)
      .first<{ claim: string; allocations: string }>();
    const { claims } = await stockOf(env, product_id).audit([row?.claim ?? ""]);
    const left = claims.find(({ claim }) => claim === row?.claim)?.parts ?? [];
    const units = (parts: { shipped: number }[]) => parts.reduce((sum, { shipped }) => sum + shipped, 0);
    const quantity = units(left) - units(JSON.parse(row?.allocations ?? "[]"));
    const shipped = await post(
      `/orders/${order_id}/shipments`,
      { items: [{ product_id, quantity }] },
      headers,
    );
    if (shipped.status !== 201) await post(`/orders/${order_id}/cancel`, {}, headers);
  }
  await post("/ops/selling", { state: "open" }, headers);
}
