import { operationsOf } from "../../claims/ids.ts";
import type { Context } from "../../platform/context.ts";
import {
  type FieldError,
  fieldErrors,
  invalidBody,
  type Problem,
  problemBody,
} from "../../platform/http/problem.ts";
import type { IdempotencyKey } from "../../platform/idempotency.ts";
import { prefixed, sha256 } from "../../platform/ids.ts";
import { type Draft, draftOf } from "../place/draft.ts";
import type { PlaceOutcome } from "../place/outcome.ts";
import { placeOrders } from "../place/place.ts";
import { OTHERS_FELL, outcomeUnknown, refusalProblem, UNAVAILABLE } from "../problems.ts";
import { placeOrderSchema } from "../schemas.ts";

/** One order of a bulk, as it was sent and as it was read. */
export type Read =
  | { kind: "draft"; index: number; draft: Draft }
  | { kind: "invalid"; index: number; errors: FieldError[] };

/**
 * Reads each order by itself, so that a wrong one is refused alone. Each draft gets a key of its own from the bulk's.
 * @param together all of them are placed, or none
 */
export function readDrafts(
  context: Context,
  orders: unknown[],
  key: IdempotencyKey | null,
  together: boolean,
): Read[] {
  const operations = operationsOf(context.ids, orders.length, together);
  return orders.map((order, index) => {
    const read = placeOrderSchema.safeParse(order);
    if (!read.success) return { kind: "invalid", index, errors: fieldErrors(read.error.issues) };
    // No client can send such a key, since a key has no space in it.
    const own = key && {
      ...key,
      key: `${key.key} ${index}`,
      ...(key.formerly === undefined ? {} : { formerly: `${key.formerly} ${index}` }),
    };
    return { kind: "draft", index, draft: draftOf(context, read.data, own, operations[index]) };
  });
}

export const productsOf = (reads: Read[]): Set<string> =>
  new Set(
    reads.flatMap((read) => (read.kind === "draft" ? read.draft.lines.map((line) => line.productId) : [])),
  );

/** What became of a bulk. Each result is JSON, in the bytes that the key repeats. */
export type BulkOutcome =
  | { kind: "answered"; batchId: string; results: string[]; created: number; replayed: boolean }
  | { kind: "signed_out" }
  | { kind: "key_reused" }
  | { kind: "limited" }
  | { kind: "stopped" }
  | { kind: "restoring" }
  /** Nothing was decided: the same request may be sent again. */
  | { kind: "unavailable" }
  /** Without a key, and D1 away before it could be asked whether all of them stand, or none. */
  | { kind: "unknown"; batchId: string; results: string[] };

/**
 * Places a bulk by the one operation that places orders. Under a key a repeat goes on where an earlier one died: what
 * was decided is answered again, what was not is placed now.
 */
export async function placeBulk(
  context: Context,
  reads: Read[],
  key: IdempotencyKey | null,
  { admitted, together }: { admitted: Promise<boolean>; together: boolean },
): Promise<BulkOutcome> {
  const batchId = await nameOf(context, key);
  const drafts = reads.flatMap((read) =>
    read.kind === "draft" ? [{ ...read.draft, bulk: { id: batchId, key } }] : [],
  );
  if (drafts.length === 0 && !(await admitted)) return { kind: "limited" };
  const placings =
    drafts.length === 0 ? [] : await placeOrders(context, drafts, { admits: () => admitted, together });

  const kinds = new Set(placings.map(({ kind }) => kind));
  for (const kind of ["restoring", "signed_out", "key_reused", "limited", "stopped"] as const)
    if (kinds.has(kind)) return { kind };
  if (kinds.size === 1 && kinds.has("unavailable")) return { kind: "unavailable" };

  let created = 0;
  let next = 0;
  const results = reads.map((read) => {
    if (read.kind === "invalid") return fault(context, read.index, "invalid", invalidBody(read.errors));
    const result = resultOf(context, read, placings[next++]);
    if (result.created) created++;
    return result.json;
  });
  if (together && kinds.has("unknown")) return { kind: "unknown", batchId, results };
  const replayed = kinds.size === 1 && kinds.has("replayed");
  return { kind: "answered", batchId, results, created, replayed };
}

/** The same for every repeat under one key. */
async function nameOf(context: Context, key: IdempotencyKey | null): Promise<string> {
  if (!key) return prefixed("bat", context.ids.next());
  return prefixed("bat", (await sha256(`${key.scope}\n${key.key}\n${key.fingerprint}`)).slice(0, 26));
}

function resultOf(
  context: Context,
  { index, draft }: Extract<Read, { kind: "draft" }>,
  placing: PlaceOutcome | undefined,
): { created: boolean; json: string } {
  const rejected = (problem: Problem) => ({
    created: false,
    json: fault(context, index, "rejected", problem),
  });
  switch (placing?.kind) {
    case "decided":
    case "replayed": {
      const { status, body } = placing.answer;
      return status === 201
        ? { created: true, json: `{"index":${index},"status":"created","order":${body}}` }
        : { created: false, json: `{"index":${index},"status":"rejected","problem":${body}}` };
    }
    case "refused":
      return rejected(refusalProblem(placing.refusal, draft));
    case "withdrawn":
      return rejected(OTHERS_FELL);
    case "unknown":
      return rejected(outcomeUnknown(draft));
    case "unavailable":
      return rejected(UNAVAILABLE);
    case "signed_out":
    case "key_reused":
    case "limited":
    case "stopped":
    case "restoring":
    case undefined:
      throw new Error(`a draft of a bulk came to ${placing?.kind}`);
  }
}

const fault = (context: Context, index: number, status: "rejected" | "invalid", problem: Problem): string =>
  `{"index":${index},"status":"${status}","problem":${problemBody(problem, context.requestId)}}`;
