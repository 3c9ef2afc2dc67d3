import { z } from "zod";
import { signResetToken } from "../accounts/reset-token.ts";
import { signVerifyToken } from "../accounts/verify-token.ts";
import type { Context } from "../platform/context.ts";
import { first, sql } from "../platform/sql.ts";
import { inShop } from "./in-shop.ts";
import { type Letter, renderLetter } from "./letter.ts";
import type { Mail } from "./mail.ts";

/** The payloads of mails about accounts. Whether there is such an account is looked at only here: src/accounts/tries.ts. */
export const accountMailSchemas = [
  z.object({ template: z.literal("sign_in_tries"), email: z.string() }),
  z.object({ template: z.literal("password_reset"), email: z.string() }),
  z.object({ template: z.literal("verify_email"), email: z.string() }),
] as const;

type AccountMail = z.infer<(typeof accountMailSchemas)[number]>;

interface Row {
  id: string;
  name: string;
  email: string;
  passwordHash: string;
}

/** Null where there is no such account, or it is disabled. */
export async function composeAccountMail(context: Context, payload: AccountMail): Promise<Mail | null> {
  const account = await first(
    context.env.DB,
    sql<Row>`
      SELECT id, name, email, password_hash AS passwordHash FROM users
      WHERE email = ${payload.email} AND disabled_at IS NULL`,
  );
  if (account === null) return null;
  const wording = await wordingOf(context, account, payload);
  return wording === null
    ? null
    : renderLetter({ lines: [], sums: [], total: null, ...wording, name: account.name }, account.email);
}

async function wordingOf(
  context: Context,
  account: Row,
  { template }: AccountMail,
): Promise<Pick<Letter, "subject" | "says" | "link"> | null> {
  switch (template) {
    case "sign_in_tries":
      return {
        subject: "Somebody tries to sign in to your account",
        says: [
          "Somebody has tried several wrong passwords for your account, and none of them let them in.",
          "If it was you, there is nothing to do. If not, the wrong tries are slowed down; a password that you use nowhere else keeps your account safe.",
        ],
        link: null,
      };
    case "verify_email": {
      const token = await signVerifyToken(context, account);
      if (token === null) return null;
      const url = inShop(context.settings, `/verify-email?token=${encodeURIComponent(token)}`);
      const says = ["An account was made with this address. Was it you? Then show it, within a week."];
      const unasked = "If it was not you, there is nothing to do.";
      return {
        subject: "Is this your address?",
        ...(url === null
          ? { says: [...says, unasked, `The code to type in is: ${token}`], link: null }
          : { says: [...says, unasked], link: { label: "Yes, it is mine", url } }),
      };
    }
    case "password_reset": {
      const token = await signResetToken(context, account);
      if (token === null) return null;
      const url = inShop(context.settings, `/reset-password?token=${encodeURIComponent(token)}`);
      const says = [
        "Somebody, you we hope, asked for a new password for your account. This works once, within an hour.",
      ];
      const unasked = "If it was not you, there is nothing to do: your password stays.";
      return {
        subject: "A new password for your account",
        ...(url === null
          ? { says: [...says, unasked, `The code to type in is: ${token}`], link: null }
          : {
              says: [...says, unasked],
              link: { label: "Set a new password", url },
            }),
      };
    }
  }
}
