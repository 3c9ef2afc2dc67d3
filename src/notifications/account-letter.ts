import { z } from "zod";
import type { Context } from "../platform/context.ts";
import { first, sql } from "../platform/sql.ts";
import { renderLetter } from "./letter.ts";
import type { Mail } from "./mail.ts";

/** The payloads of mails about accounts. Whether there is such an account is looked at only here: src/accounts/tries.ts. */
export const accountMailSchemas = [
  z.object({ template: z.literal("sign_in_tries"), email: z.string() }),
] as const;

type AccountMail = z.infer<(typeof accountMailSchemas)[number]>;

interface Row {
  id: string;
  name: string;
  email: string;
}

/** Null where there is no such account, or it is disabled. */
export async function composeAccountMail(context: Context, payload: AccountMail): Promise<Mail | null> {
  const account = await first(
    context.env.DB,
    sql<Row>`SELECT id, name, email FROM users WHERE email = ${payload.email} AND disabled_at IS NULL`,
  );
  if (account === null) return null;
  return renderLetter({ ...BARE, ...wordingOf(payload), name: account.name, link: null }, account.email);
}

const BARE = { lines: [], sums: [], total: null };

function wordingOf(payload: AccountMail): { subject: string; says: string[] } {
  switch (payload.template) {
    case "sign_in_tries":
      return {
        subject: "Somebody tries to sign in to your account",
        says: [
          "Somebody has tried several wrong passwords for your account, and none of them let them in.",
          "If it was you, there is nothing to do. If not, the wrong tries are slowed down; a password that you use nowhere else keeps your account safe.",
        ],
      };
  }
}
