import type { Context } from "../platform/context.ts";
import { prefixed } from "../platform/ids.ts";
import type { NewTask } from "./append.ts";

/** The task that mails a notice to `ADMIN_EMAIL`; none where no such address is set. @param id for a repeat to find its own */
export function noticeTask(
  context: Context,
  objectId: string,
  { subject, lines }: { subject: string; lines: string[] },
  id: string = prefixed("wrk", context.ids.next()),
): NewTask[] {
  if (context.settings.ADMIN_EMAIL === undefined) return [];
  const now = context.clock.now();
  return [
    {
      ...{ id, task: "email", object_id: objectId },
      payload: { template: "notice", subject, lines },
      ...{ at: now, not_before: now, request_id: context.requestId },
    },
  ];
}
