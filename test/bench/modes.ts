import { backlogOf } from "./backlog.ts";
import type { Tool } from "./load.ts";
import { withMemory } from "./memory.ts";
import type { Operation } from "./operations.ts";
import { AS_SHIPPED, type Running, startShop, startWholeShop } from "./shop.ts";
import type { How, Side } from "./window.ts";

/** What the command line says of a measurement, whatever it is beside. */
export interface Options {
  seconds: number;
  rounds: number;
  /** Each operation is measured in each of these ways. */
  hows: How[];
  tools: Tool[];
  wants: (operation: Operation) => boolean;
  /** Every queue is worked off, a mail for each order too; or only the one that keeps the lists up to date. */
  allQueues: boolean;
  /** As shipped: orders, requests and suggestions are limited, and come from many addresses. */
  limits: boolean;
}

/** What is taken of a checkout's own bench to start its shop. */
export interface ShopModule {
  startShop: typeof startShop;
  startWholeShop: typeof startWholeShop;
  AS_SHIPPED?: typeof AS_SHIPPED;
}

const own: ShopModule = { startShop, startWholeShop, AS_SHIPPED };

/** The shop that the options ask for, of this checkout or another one, and how it is looked at. */
export async function shopOf(
  { allQueues, limits }: Omit<Options, "wants">,
  module: ShopModule = own,
): Promise<Running & Side> {
  if (limits && !module.AS_SHIPPED) throw new Error("the other checkout cannot start its shop with limits");
  const settings = limits ? module.AS_SHIPPED : undefined;
  const shop = await withMemory(() =>
    allQueues ? module.startWholeShop(settings) : module.startShop(undefined, settings),
  );
  let read: Side["backlog"];
  const backlog = async () => {
    read ??= backlogOf(await shop.db(), allQueues);
    return read();
  };
  return { ...shop, backlog };
}
