import { setTimeout as pause } from "node:timers/promises";
import { type Api, ApiFailed, createApi, signIn } from "./api.ts";
import { devVarsPath, mergeSettings, readDevVars } from "./local-settings.ts";

/** Signs in as the admin whom `npm start` made from the environment or `.dev.vars`. Returns an access token. */
async function localToken(url: string): Promise<string> {
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = mergeSettings(
    readDevVars(devVarsPath()),
    process.env,
  );
  if (!email || !password)
    throw new Error("Pass a --token that has not expired, or set ADMIN_EMAIL and ADMIN_PASSWORD.");
  return signIn(url, email, password);
}

/** The options of commands that call a shop's API. */
export const shopOptions = {
  url: { type: "string", description: "Where the shop is (http://127.0.0.1:PORT)" },
  token: {
    type: "string",
    description: "A staff access token; else ADMIN_EMAIL and ADMIN_PASSWORD sign in",
  },
} as const;

/** A shop's address without a trailing slash; by default the one of this machine. */
export const shopUrl = (url: string | undefined): string =>
  (url ?? `http://127.0.0.1:${process.env.PORT || 8787}`).replace(/\/+$/, "");

/** A request that was rate-limited is sent again after this. Together the waits are longer than the limit's minute. */
const LIMITED_WAIT_MS = 5_000;
const MAX_WAITS = 30;

export interface Admin {
  url: string;
  /** An access token; without it, `ADMIN_EMAIL` and `ADMIN_PASSWORD` sign in. */
  token: string | undefined;
}

/** The API as an admin. */
export const connect = async ({ url, token }: Admin): Promise<Api> =>
  createApi(url, token ?? (await localToken(url)));

/**
 * The API for a long command: it waits when it is rate-limited, and signs in again when its token has expired. Only for
 * calls that may be sent twice.
 */
export async function adminApi({ url, token }: Admin): Promise<Api> {
  let api = await connect({ url, token });
  const retrying = async <T>(call: (api: Api) => Promise<T>): Promise<T> => {
    let renewed = false;
    for (let waits = 0; ; waits++) {
      try {
        return await call(api);
      } catch (error) {
        if (!(error instanceof ApiFailed)) throw error;
        if (error.status === 429 && waits < MAX_WAITS) await pause(LIMITED_WAIT_MS);
        else if (error.status === 401 && !renewed) {
          renewed = true;
          // A token that was passed has expired: who set the password as well is signed in by that.
          api = await connect({ url, token: undefined });
        } else throw error;
      }
    }
  };
  return {
    get: (path, schema) => retrying((one) => one.get(path, schema)),
    post: (path, body, schema) => retrying((one) => one.post(path, body, schema)),
    delete: (path) => retrying((one) => one.delete(path)),
    list: (path, schema) => retrying((one) => one.list(path, schema)),
  };
}
