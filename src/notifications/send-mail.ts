import { EmailMessage } from "cloudflare:email";
import type { TaskOutcome } from "../events/run-tasks.ts";
import type { Context } from "../platform/context.ts";
import type { SentMail } from "./keep-mails.ts";
import { composeMail, type Mail } from "./mail.ts";

/**
 * Sends the e-mail of a task. In development it is also stored, for GET /emails. If the worker dies after sending and before
 * the task is marked done, the e-mail is sent again: a task runs at least once.
 * @param keep stores it
 */
export async function sendMail(
  { env, settings, clock }: Context,
  keep: (sent: SentMail) => Promise<void>,
  taskId: string,
  mail: Mail,
): Promise<TaskOutcome> {
  const at = clock.now();
  const composed = composeMail(mail, { from: settings.MAIL_FROM, taskId, at });
  if (composed.kind === "bad_address") {
    return { kind: "failed", error: `not an address to send to: ${JSON.stringify(composed.address)}` };
  }
  const { from, to, raw } = composed.mail;
  try {
    await env.EMAIL.send(new EmailMessage(from, to, raw));
  } catch (error) {
    return { kind: "failed", error: `not sent: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (settings.ENVIRONMENT === "development") await keep({ ...mail, taskId, at });
  return { kind: "done" };
}
