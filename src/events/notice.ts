import type { Context } from "../platform/context.ts";
import { type NewTask, newTask } from "./append.ts";

/** The task that mails a notice to `ADMIN_EMAIL`; none where no such address is set. @param id where a repeat must add the same task */
export function noticeTask(
  context: Context,
  objectId: string,
  { subject, lines }: { subject: string; lines: string[] },
  id?: string,
): NewTask[] {
  if (context.settings.ADMIN_EMAIL === undefined) return [];
  return [
    newTask(
      context,
      "email",
      objectId,
      { template: "notice", subject, lines },
      id === undefined ? {} : { id },
    ),
  ];
}
