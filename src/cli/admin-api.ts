import { setTimeout as pause } from "node:timers/promises";
import { type Api, ApiFailed, createApi, signIn } from "./api.ts";
import { devVarsPath, mergeSettings, readDevVars } from "./local-settings.ts";

/** An access token of this machine's own admin, whom `npm start` made from the environment or `.dev.vars`. */
export async function localToken(url: string): Promise<string> {
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = mergeSettings(
    readDevVars(devVarsPath()),
    process.env,
  );
  if (!email || !password) throw new Error("Pass --token, or set ADMIN_EMAIL and ADMIN_PASSWORD.");
  return signIn(url, email, password);
}

/** How a command that talks to a shop is told which, and who asks. */
export const shopOptions = {
  url: { type: "string", description: "Where the shop is (http://127.0.0.1:PORT)" },
  token: {
    type: "string",
    description: "A staff access token; else ADMIN_EMAIL and ADMIN_PASSWORD sign in",
  },
} as const;

/** A shop's address without a slash at its end; this machine's when none is named. */
export const shopUrl = (url: string | undefined): string =>
  (url ?? `http://127.0.0.1:${process.env.PORT || 8787}`).replace(/\/+$/, "");

/** A limited request is sent again after this, for as long as a limit's minute lasts, and more. Milliseconds. */
const WAIT = 5_000;
const MAX_WAITS = 30;

export interface Admin {
  url: string;
  /** An access token; left out, `ADMIN_EMAIL` and `ADMIN_PASSWORD` sign in. */
  token: string | undefined;
}

/**
 * The API for a long command: it waits where it is limited, and signs in again when its token has run out. Only for calls
 * that may be sent twice.
 */
export async function adminApi({ url, token }: Admin): Promise<Api> {
  const connect = async () => createApi(url, token ?? (await localToken(url)));
  let api = await connect();
  const persist = async <T>(call: (api: Api) => Promise<T>): Promise<T> => {
    let renewed = token !== undefined;
    for (let waits = 0; ; waits++) {
      try {
        return await call(api);
      } catch (error) {
        if (!(error instanceof ApiFailed)) throw error;
        if (error.status === 429 && waits < MAX_WAITS) await pause(WAIT);
        else if (error.status === 401 && !renewed) {
          renewed = true;
          api = await connect();
        } else throw error;
      }
    }
  };
  return {
    get: (path, schema) => persist((one) => one.get(path, schema)),
    post: (path, body, schema) => persist((one) => one.post(path, body, schema)),
    delete: (path) => persist((one) => one.delete(path)),
    list: (path, schema) => persist((one) => one.list(path, schema)),
  };
}
