import { z } from "zod";
import { type Api, ApiFailed } from "./api.ts";

/** A token lives for a quarter of an hour. */
const EXTEND_AFTER_MS = 300_000;
const extendedSchema = z.object({ access_token: z.string() });

const isRestoring = (body: unknown): boolean =>
  (body as { state?: unknown } | undefined)?.state === "restoring";

/**
 * The API for a restore: its token is extended for as long as the shop is closed for it, since the users that it brings may
 * not have whoever runs it.
 * @param open makes the API of a token
 */
export function extendingApi(
  api: Api,
  open: (token: string) => Api | Promise<Api>,
  now: () => number = Date.now,
): Api {
  let current = Promise.resolve(api);
  // The token may be old already, so it is extended as soon as the shop does so.
  let extendedAt = Number.NEGATIVE_INFINITY;
  const extend = async (old: Api): Promise<Api> => {
    try {
      const { access_token } = await old.post("/ops/backup/token", undefined, extendedSchema);
      return await open(access_token);
    } catch (error) {
      // The restore has not begun.
      if (!(error instanceof ApiFailed) || error.status !== 409) throw error;
      extendedAt = Number.NEGATIVE_INFINITY;
      return old;
    }
  };
  const extended = (): Promise<Api> => {
    if (now() - extendedAt < EXTEND_AFTER_MS) return current;
    extendedAt = now();
    // Calls that are made meanwhile wait for the same token.
    current = current.then(extend);
    return current;
  };
  return {
    get: async (path, schema) => (await extended()).get(path, schema),
    post: async (path, body, schema) => {
      const answer = await (await extended()).post(path, body, schema);
      // A restore begins: what was extended is a token of the one before it, which has failed.
      if (path === "/ops/selling" && isRestoring(body)) {
        current = Promise.resolve(api);
        extendedAt = Number.NEGATIVE_INFINITY;
      }
      return answer;
    },
    delete: async (path) => (await extended()).delete(path),
    list: async (path, schema) => (await extended()).list(path, schema),
  };
}
