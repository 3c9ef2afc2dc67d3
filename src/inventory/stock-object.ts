import { DurableObject } from "cloudflare:workers";
import type { Clock } from "../platform/clock.ts";
import type { AskFates } from "./stock-types.ts";

/** What the object needs from outside: wired in index.ts. */
export interface StockPorts {
  clock: Clock;
  askFates: AskFates;
}

/** The Durable Object of one product: a thin shell of storage, alarm and RPC around the Stock logic. */
export abstract class StockObject extends DurableObject<Cloudflare.Env> {
  protected abstract readonly ports: StockPorts;
}
