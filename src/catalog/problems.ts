import type { Problem } from "../platform/problem.ts";

export const STALE: Problem = {
  status: 412,
  code: "stale",
  detail: "It has changed since you read it: read it again, and send its ETag as If-Match.",
};
