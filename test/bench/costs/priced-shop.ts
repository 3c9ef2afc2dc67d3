import { signIn } from "../../../src/cli/api.ts";
import { type LivingShop, rest } from "../life.ts";
import { type Taken, withMemory } from "../memory.ts";
import {
  ADMIN,
  adminOf,
  type Filled,
  fill,
  migrate,
  type Running,
  type Settings,
  SHOP,
  startWholeShop,
} from "../shop.ts";

/** As it stands in production: no mail is kept, and nobody takes an order's steps but people. */
const PRODUCTION: Settings = {
  ENVIRONMENT: "production",
  FULFILMENT: "manual",
  // Its buyers are guests who pay by invoice, and nobody sits there who approves.
  GUEST_PAYMENT_METHODS: "card,invoice,cash_on_delivery",
  APPROVAL_HOURS: "0",
  MAIL_FROM: "Shop <shop@shop.example>",
};

/** A token lives for a quarter of an hour. */
const TOKEN_MS = 600_000;

/** A shop that counts what Cloudflare bills, with a catalogue, at rest. */
export interface PricedShop extends LivingShop, Taken, Pick<Running, "stored" | "stop"> {
  filled: Filled;
}

export async function startPricedShop(settings: Settings, size = SHOP): Promise<PricedShop> {
  const running = await withMemory(() =>
    startWholeShop({ ...PRODUCTION, ...settings }, "costs/priced-worker.ts"),
  );
  try {
    await migrate(await running.db());
    const { api, token } = await adminOf(running);
    const filled = await fill(api, size);
    let signedIn = Promise.resolve(token);
    let until = Date.now() + TOKEN_MS;
    const shop: PricedShop = {
      ...running,
      filled,
      token: () => {
        if (Date.now() > until) {
          signedIn = signIn(running.url, ADMIN.email, ADMIN.password);
          until = Date.now() + TOKEN_MS;
        }
        return signedIn;
      },
    };
    await rest(shop);
    return shop;
  } catch (error) {
    await running.stop();
    throw error;
  }
}
