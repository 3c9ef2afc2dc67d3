import type { Problem } from "../../platform/http/problem.ts";
import type { RestoreRefusal } from "../../platform/restoring.ts";

/** What a late call of a restore is answered. */
export const RESTORE_REFUSALS: Record<RestoreRefusal, Problem> = {
  not_restoring: {
    status: 409,
    code: "not_restoring",
    detail: "The shop is not being restored. Close it for a restore first: POST /ops/selling.",
  },
  superseded: {
    status: 409,
    code: "restore_superseded",
    detail: "Another restore has begun since: this one changes nothing any more.",
  },
};

export const UNNAMED_RESTORE: Problem = {
  status: 409,
  code: "restore_under_way",
  detail: "A backup is being restored. To give that up, name its generation: GET /ops/selling shows it.",
};
