import type { Memory } from "./cache/memory.ts";
import type { Context } from "./context.ts";
import type { Needs } from "./needs.ts";

/** What every handler finds on its request. */
export interface AppEnv {
  Bindings: Cloudflare.Env;
  Variables: {
    requestId: string;
    context: Context;
    memory: Memory;
    /** The route that answers, where there is one behind the method guard. */
    route?: MatchedRoute;
    /** The answer is one that memory had. */
    repeated?: boolean;
  };
}

export interface MatchedRoute {
  /** Its pattern: no ids. */
  path: string;
  needs: Needs;
}
