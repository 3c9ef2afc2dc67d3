import { isStaff } from "../platform/actor.ts";
import type { Context } from "../platform/context.ts";
import { type Sql, sql } from "../platform/sql.ts";

/**
 * The statement that writes down what one of the shop's people or programs asks of a part that is not D1, before that is
 * asked: whether it was done, that part tells. Undefined for everybody else.
 * @param what as JSON; no secrets and no personal data
 * @param when SQL: whether there is anything to be asked
 */
export const auditEntry = (
  { actor, address, requestId, clock }: Context,
  {
    action,
    objectType,
    objectId,
    what,
  }: { action: string; objectType: string; objectId: string; what: object },
  when: Sql,
): Sql | undefined =>
  isStaff(actor) && actor.kind !== "system"
    ? sql`INSERT INTO audit_log (at, actor, action, object_type, object_id, after, ip, request_id)
        SELECT ${clock.now()}, ${actor.name}, ${action}, ${objectType}, ${objectId}, ${JSON.stringify(what)}, ${address},
          ${requestId} WHERE ${when}`
    : undefined;
