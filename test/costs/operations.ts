import type { SignedIn } from "../support/sign-in.ts";
import type { Wire } from "../support/wire.ts";
import { type Measured, measureRequest } from "./measure.ts";

export interface Shop {
  staff: SignedIn;
  admin: SignedIn;
  buyer: SignedIn;
  /** Whose the stored orders and carts are. */
  owner: SignedIn;
  categoryId: string;
  /** Of the varied, of the bland, and of no stored thing. */
  storeIds: [string, string, string];
  /** With plenty of stock in the last store. */
  productIds: string[];
  /** The oldest stored. */
  storedOrderId: string;
}

/** Does something once and says what it cost; what must be there for it is made before, and not counted. */
export type Act = (shop: Shop, costs: Costs) => Promise<void>;
export type Costs = (name: string, measured: Measured) => void;

export type Who = "guest" | "staff" | "admin" | "buyer" | "owner";

const headersOf = (shop: Shop, who: Who): Record<string, string> =>
  who === "guest" ? {} : shop[who].headers;

export async function ask(
  shop: Shop,
  costs: Costs,
  name: string,
  [method, path, body]: [string, string, unknown?],
  who: Who = "staff",
  more: Record<string, string> = {},
): Promise<Wire> {
  const done = await measureRequest(method, path, body, { ...headersOf(shop, who), ...more });
  if (done.answer.status >= 300) throw new Error(`${name}: ${done.answer.status} ${done.answer.text}`);
  costs(name, done);
  return done.answer.body;
}

/** Pages of five; the first with how many there are, the second by its cursor. */
export function list(path: (shop: Shop) => string, who: Who = "staff"): Act {
  return async (shop, costs) => {
    const given = path(shop);
    const url = `${given}${given.includes("?") ? "&" : "?"}page_size=5`;
    const shown = nameOf(shop, given);
    const asked = who === "staff" ? shown : `${shown}, ${who}`;
    const first = await ask(shop, costs, `GET ${asked}`, ["GET", url], who);
    if (first.next_cursor === undefined) return;
    if (first.results.length < 5) throw new Error(`${shown}: a page of ${first.results.length}`);
    if (first.next_cursor === null) throw new Error(`${shown}: no next page`);
    await ask(shop, costs, `… by cursor ${asked}`, ["GET", `${url}&cursor=${first.next_cursor}`], who);
  };
}

export const get =
  (path: (shop: Shop) => string, who: Who = "staff"): Act =>
  async (shop, costs) => {
    await ask(
      shop,
      costs,
      `GET ${nameOf(shop, path(shop))}${who === "staff" ? "" : `, ${who}`}`,
      ["GET", path(shop)],
      who,
    );
  };

/** Ids differ from run to run. */
export function nameOf(shop: Shop, path: string): string {
  const names: [string, string][] = [
    [shop.storeIds[0], "{store}"],
    [shop.categoryId, "{category}"],
    [shop.storedOrderId, "{order}"],
    [shop.productIds[0] ?? "", "{product}"],
  ];
  return names
    .reduce((text, [id, word]) => text.replaceAll(id, word), path)
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "{stamp}");
}
