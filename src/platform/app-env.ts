import type { Memory } from "./cache/memory.ts";
import type { Context } from "./context.ts";

/** What every handler finds on its request. */
export interface AppEnv {
  Bindings: Cloudflare.Env;
  Variables: {
    requestId: string;
    context: Context;
    memory: Memory;
    /** The pattern of the route that answers, where there is one. */
    route?: string;
    /** The answer is one that memory had. */
    repeated?: boolean;
  };
}
