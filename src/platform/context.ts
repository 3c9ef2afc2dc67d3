import type { Actor } from "./actor.ts";
import type { Clock } from "./clock.ts";
import type { Ids } from "./ids.ts";
import type { Log } from "./log.ts";
import type { Settings } from "./settings.ts";

/** What every operation is given. */
export interface Context {
  env: Cloudflare.Env;
  settings: Settings;
  clock: Clock;
  ids: Ids;
  log: Log;
  actor: Actor;
  /** The client's address from `clientAddress`; `internal` where Holdfast acts by itself. */
  address: string;
  /** One id for a request, the queue messages that it sends and the jobs that it starts. */
  requestId: string;
  /**
   * The restore generation as it was before everything else that this context has read (platform/restoring.ts); undefined
   * until something has asked. What it writes and what it tells Stock carries it.
   */
  generation: number | undefined;
  /** Lets work go on after the response. It may be lost, so what must happen is also a task in D1. */
  defer(work: Promise<unknown>): void;
}
