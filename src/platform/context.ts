import type { Actor } from "./actor.ts";
import type { Clock } from "./clock.ts";
import type { Ids } from "./ids.ts";
import type { Log } from "./log.ts";
import type { Settings } from "./settings.ts";

/** What every operation is given: its parts, its time, its names, and on whose behalf it acts. */
export interface Context {
  env: Cloudflare.Env;
  settings: Settings;
  clock: Clock;
  ids: Ids;
  log: Log;
  actor: Actor;
  /** The client's address as `clientAddress` folds it; `internal` where Holdfast acts by itself. */
  address: string;
  /** Goes through a request, its messages and its jobs. */
  requestId: string;
  /** Keeps the work alive after the answer. What must not be lost is owed in D1 besides. */
  defer(work: Promise<unknown>): void;
}
