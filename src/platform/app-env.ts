import type { Context as OperationContext } from "./context.ts";

/** What every handler finds on its request. */
export interface AppEnv {
  Bindings: Cloudflare.Env;
  Variables: { requestId: string; operation: OperationContext };
}
