import type { Problem } from "../platform/http/problem.ts";
import type { FieldCode, ProblemCode } from "../problem-codes.ts";

export const wrongField = (field: string, code: FieldCode, message: string): Problem => ({
  status: 422,
  code: "invalid_body",
  detail: "A field is wrong.",
  errors: [{ field, code, message }],
});

export const conflict = (code: ProblemCode, detail: string, more: Record<string, unknown> = {}): Problem => ({
  status: 409,
  code,
  detail,
  ...more,
});

/** Another change of the order won each try, so nothing was done. */
export const CONTENDED: Problem = {
  status: 503,
  code: "try_again",
  detail: "Others changed the order. Send the same request again.",
};
