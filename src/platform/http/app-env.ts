import type { Needed } from "../../permissions.ts";
import type { Memory } from "../cache/memory.ts";
import type { Context } from "../context.ts";
import type { Needs } from "./needs.ts";

/** The types of Hono's context in every handler. */
export interface AppEnv {
  Bindings: Cloudflare.Env;
  Variables: {
    requestId: string;
    context: Context;
    memory: Memory;
    /** The route that handles the request; undefined for routes that are not behind the method guard. */
    route?: MatchedRoute;
    /** The refusal of a token that is not ours, until the request was counted. */
    badToken?: Response;
    /** The SHA-256 of the API key that came as the token: what it is good for the guard of the route finds out. */
    apiKey?: string;
    /** The permission of the route, once the guard has seen that the caller has it. */
    passed?: Needed;
    /** Whether the answer came from the isolate's memory as it was sent before. */
    fromMemory?: boolean;
  };
}

export interface MatchedRoute {
  /** The pattern, such as `/orders/:id`. */
  path: string;
  needs: Needs;
}
