import { env } from "cloudflare:workers";
import { ask, bearer } from "../accounts/ask.ts";
import { givenDead } from "../ops/tasks/given.ts";
import { ID } from "../support/examples.ts";
import { post } from "../support/shop.ts";
import { PASSWORD, type SignedIn, signIn } from "../support/sign-in.ts";
import type { World } from "./routes.ts";

/** Who calls, in the sequence of the table's columns. */
export const CALLERS = [
  "nobody",
  "owner",
  "other",
  "warehouse",
  "support",
  "finance",
  "staff",
  "admin",
  "narrow key",
  "disabled admin",
  "signed-out owner",
  "revoked key",
] as const;

export type Caller = (typeof CALLERS)[number];

type Headers = Record<string, string>;

/** What each shows. The owner is the customer whose the world's order, cart and sessions are. */
export async function callersOf({ customer, staff, admin }: World): Promise<Record<Caller, Headers>> {
  const headersOf = async (role: string): Promise<Headers> => (await signIn(role)).headers;
  return {
    nobody: {},
    owner: customer.headers,
    other: await headersOf("customer"),
    ...{ warehouse: await headersOf("warehouse"), support: await headersOf("support") },
    ...{ finance: await headersOf("finance"), staff: staff.headers, admin: admin.headers },
    "narrow key": (await keyOf(admin, ["catalog:read"])).headers,
    "disabled admin": await disabledAdmin(admin),
    "signed-out owner": await signedOut(customer),
    "revoked key": await revokedKey(admin),
  };
}

async function keyOf({ headers }: SignedIn, scopes: string[]): Promise<{ id: string; headers: Headers }> {
  const made = await post("/api-keys", { name: "Program", scopes }, headers);
  const { id, secret } = await made.json<{ id: string; secret: string }>();
  return { id, headers: bearer(secret) };
}

async function disabledAdmin({ headers }: SignedIn): Promise<Headers> {
  const disabled = await signIn("admin");
  await ask("PATCH", `/users/${disabled.id}`, { disabled: true }, headers);
  return disabled.headers;
}

async function signedOut({ email }: SignedIn): Promise<Headers> {
  const { body } = await ask("POST", "/auth/token", { email, password: PASSWORD });
  await ask("POST", "/auth/logout", { refresh_token: body.refresh_token });
  return bearer(body.access_token);
}

async function revokedKey(admin: SignedIn): Promise<Headers> {
  const { id, headers } = await keyOf(admin, ["orders:write", "inventory:write", "catalog:write", "ops"]);
  await ask("DELETE", `/api-keys/${id}`, undefined, admin.headers);
  return headers;
}

/** What the world has not: a task that is dead, a key, a session by its id; by the ids of the examples. */
export async function sceneOf({ admin, customer }: World): Promise<Record<string, string>> {
  const task = `wrk_${ID}`;
  await givenDead({ id: task });
  const session = env.DB.prepare("SELECT id FROM sessions WHERE user_id = ?").bind(customer.id);
  return {
    [`key_${ID}`]: (await keyOf(admin, ["ops"])).id,
    [`ses_${ID}`]: (await session.first<string>("id")) ?? "",
  };
}
