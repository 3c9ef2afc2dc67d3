import { signIn } from "./api.ts";
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
