import { env, exports } from "cloudflare:workers";
import { signResetToken } from "../../src/accounts/reset-token.ts";
import { GUEST } from "../../src/platform/actor.ts";
import type { Context } from "../../src/platform/context.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { createLog } from "../../src/platform/log.ts";
import { settingsSchema } from "../../src/platform/settings.ts";
import { testClock } from "../support/clock.ts";
import type { Wire } from "../support/wire.ts";

export interface Answer {
  status: number;
  headers: Headers;
  body: Wire;
}

/** One call of the API, its JSON read. A string is sent as it is. */
export async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await exports.default.fetch(`http://shop.test/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
}

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** What Ada signs in with. */
export const ADA = { email: "ada@shop.example", password: "analytical engine" };
/** What she registered with. */
export const NEW_ADA = { ...ADA, name: "Ada" };

/** Ada's account, with the tokens of its first session. */
export const registerAda = async () => (await ask("POST", "/auth/register", NEW_ADA)).body;

/** What an operation is called with for a guest. */
export const guestContext = (): Context => ({
  env,
  settings: settingsSchema.parse(env),
  clock: testClock,
  ids: systemIds,
  log: createLog(),
  actor: GUEST,
  address: "192.0.2.1",
  requestId: "r-1",
  generation: 0,
  defer: () => {},
});

/** The token of a mail for a new password, as its handler makes it. */
export async function resetTokenOf(email: string): Promise<string> {
  const account = await env.DB.prepare("SELECT id, password_hash AS passwordHash FROM users WHERE email = ?")
    .bind(email)
    .first<{ id: string; passwordHash: string }>();
  const token = account && (await signResetToken(guestContext(), account));
  if (!token) throw new Error(`no token for ${email}`);
  return token;
}
