import { env } from "cloudflare:workers";
import { Buffer } from "node:buffer";
import { scryptSync } from "node:crypto";
import { signAccessToken } from "../../src/accounts/access-token.ts";
import { keyRing } from "../../src/accounts/keys.ts";
import { newUserRow } from "../../src/accounts/new-user.ts";
import { FIXED_ROLES } from "../../src/permissions.ts";
import type { UserActor } from "../../src/platform/actor.ts";
import { prefixed, systemIds } from "../../src/platform/ids.ts";
import { readSettings } from "../../src/platform/settings.ts";
import { testClock } from "./clock.ts";

/** Longer than a real one, so that a test may move the hours without signing in again. */
const LIFETIME_SECONDS = 30 * 24 * 60 * 60;

/** What every user of `signIn` has, hashed at next to no price. */
export const PASSWORD = "correct horse battery";
const SALT = "c2FsdA";
const CHEAP = { N: 2, r: 1, p: 1 };
const DERIVED = scryptSync(PASSWORD, Buffer.from(SALT, "base64url"), 32, CHEAP).toString("base64url");
const HASH = `scrypt$${CHEAP.N}$${CHEAP.r}$${CHEAP.p}$${SALT}$${DERIVED}`;

export interface SignedIn {
  id: string;
  email: string;
  token: string;
  headers: { Authorization: string };
  /** As the operations below the routes know the user. */
  actor: UserActor;
}

/** A user of that role, put straight into D1, with a token: what a sign-in gives, without the price of scrypt. */
export const signIn = async (role = "customer"): Promise<SignedIn> => signInAs(role, systemIds.next());

/** The admin who signed in first, again: of whom a backup that was made since knows. */
export async function signInFirstAdmin(): Promise<SignedIn> {
  const known = await env.DB.prepare("SELECT id FROM users WHERE role = 'admin' ORDER BY id LIMIT 1").first<{
    id: string;
  }>();
  return signInAs("admin", known?.id.slice("usr_".length) ?? systemIds.next());
}

async function signInAs(role: string, id: string): Promise<SignedIn> {
  const settings = readSettings(env);
  if (settings.kind === "misconfigured") throw new Error("the test's settings are wrong");
  const keys = await keyRing(settings.settings);
  if (keys.kind === "misconfigured") throw new Error(`JWT_PRIVATE_KEY ${keys.fault}`);

  const now = testClock.now();
  const sessionId = prefixed("ses", systemIds.next());
  const email = `${role}-${id}@shop.example`;
  const user = newUserRow({ id, email, name: `The ${role}`, passwordHash: HASH, role, now });
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO users (id, email, name, password_hash, role, created_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING`,
    ).bind(user.id, user.email, user.name, user.password_hash, user.role, now),
    env.DB.prepare(
      "INSERT INTO sessions (id, user_id, created_at, last_used_at) VALUES (?1, ?2, ?3, ?3)",
    ).bind(sessionId, user.id, now),
  ]);
  const token = await signAccessToken(keys.ring, { userId: user.id, role, sessionId }, now, LIFETIME_SECONDS);
  const actor: UserActor = {
    ...{ kind: "user", name: user.id, userId: user.id, role, permissions: FIXED_ROLES[role] ?? [] },
    ...{ sessionId, restores: null },
  };
  return { id: user.id, email, token, headers: { Authorization: `Bearer ${token}` }, actor };
}
