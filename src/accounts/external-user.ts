import { encodeTime } from "ulid";
import { Commit } from "../events/commit.ts";
import type { Context } from "../platform/context.ts";
import { prefixed, sha256 } from "../platform/ids.ts";
import { IS_RESTORING } from "../platform/restoring.ts";
import { first, type Sql, sql } from "../platform/sql.ts";
import { accountEmailSchema, NO_DOMAIN } from "../platform/text/email.ts";
import { line } from "../platform/text/line.ts";
import type { ExternalClaims } from "./external-token.ts";

/** Whom an external token stands for here. */
export interface ExternalUser {
  userId: string;
  role: string;
  sessionId: string;
}

interface Row {
  user_id: string;
  role: string;
  disabled: number;
  /** Null: it is the first token of its sign-in. */
  session: string | null;
  ended: number;
}

/**
 * The user of an external token, made as a customer when the server's name for them comes for the first time. Roles are given here and
 * not there. Each sign-in there is a session here, so that it is listed and ended as any other. `refused`: the user is disabled,
 * or the session was ended.
 *
 * While a backup is loaded nobody is made, and whoever is not known yet is told to come again.
 *
 * An address that an account has already stays that account's alone: by a server that verifies badly, anybody would be in.
 */
export async function findExternalUser(
  context: Context,
  claims: ExternalClaims,
  userAgent?: string,
): Promise<ExternalUser | "refused" | "restoring"> {
  const sessionId = await sessionOf(claims);
  const known = await first(context.env.DB, rowOf(claims, sessionId));
  const row = known?.session ? known : await make(context, claims, { sessionId, userAgent });
  if (!row?.session) return "restoring";
  return row.disabled || row.ended ? "refused" : { userId: row.user_id, role: row.role, sessionId };
}

/** The same for all tokens of one sign-in; it sorts by time, as every session's. */
async function sessionOf({ issuer, subject, session, since }: ExternalClaims): Promise<string> {
  const named = await sha256(JSON.stringify([issuer, subject, session]));
  return prefixed("ses", `${encodeTime(since * 1_000).toLowerCase()}${named.slice(0, 16)}`);
}

const rowOf = ({ issuer, subject }: ExternalClaims, sessionId: string): Sql<Row> => sql`
  SELECT i.user_id, u.role, u.disabled_at IS NOT NULL AS disabled, s.id AS session, s.revoked_at IS NOT NULL AS ended
  FROM identities AS i JOIN users AS u ON u.id = i.user_id
    LEFT JOIN sessions AS s ON s.id = ${sessionId} AND s.user_id = u.id
  WHERE i.issuer = ${issuer} AND i.subject = ${subject}`;

/** One batch: of two first requests at once, the identity decides whose user it is. */
async function make(
  context: Context,
  claims: ExternalClaims,
  { sessionId, userAgent }: { sessionId: string; userAgent: string | undefined },
): Promise<Row | null> {
  const { issuer, subject } = claims;
  const now = context.clock.now();
  const id = prefixed("usr", context.ids.next());
  const email = accountEmailSchema.safeParse(claims.email).data ?? null;
  const name = line(200).safeParse(claims.name).data ?? "Customer";
  const commit = new Commit(context, "none");
  const isNew = sql`NOT EXISTS (SELECT 1 FROM identities WHERE issuer = ${issuer} AND subject = ${subject})`;
  const insert = (address: string, verifiedAt: number | null, when: Sql) => sql`
    INSERT INTO users (id, email, name, password_hash, role, email_verified_at, created_at, updated_at)
    SELECT ${id}, ${address}, ${name}, '', 'customer', ${verifiedAt}, ${now}, ${now}
    WHERE ${isNew} AND ${when} AND NOT ${IS_RESTORING}
    ON CONFLICT DO NOTHING`;
  if (email !== null) commit.write(insert(email, now, sql`true`));
  commit.write(
    insert(`${id}${NO_DOMAIN}`, null, sql`NOT EXISTS (SELECT 1 FROM users WHERE id = ${id})`),
    sql`
      INSERT INTO identities (issuer, subject, user_id, created_at)
      SELECT ${issuer}, ${subject}, id, ${now} FROM users WHERE id = ${id} AND NOT ${IS_RESTORING} ON CONFLICT DO NOTHING`,
    sql`
      INSERT INTO sessions (id, user_id, user_agent, created_at, last_used_at)
      SELECT ${sessionId}, user_id, ${userAgent?.slice(0, 200) ?? null}, ${now}, ${now}
      FROM identities WHERE issuer = ${issuer} AND subject = ${subject} AND NOT ${IS_RESTORING}
      ON CONFLICT DO NOTHING`,
  );
  const made = commit.read(rowOf(claims, sessionId));
  return (await commit.send()).first(made);
}
