import { z } from "zod";
import { addTasks, type NewTask } from "../../events/append.ts";
import { noticeTask } from "../../events/notice.ts";
import { type Task, type TaskOutcome, wakeUp } from "../../events/work.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { first, run, sql } from "../../platform/sql.ts";
import { type JobResult, type Run, writeReports } from "../jobs/run.ts";
import { isOpen } from "./drift.ts";
import { type Limits, ONE_CALL, type Reconciliation, reconcileFrom } from "./reconcile.ts";

/** Products that the end of a walk names, of those with drift that is left. */
const NAMED = 5;

/** How far a walk over all products has come. The payload of the work that goes on with it. */
const walkSchema = z.object({
  /** The run of the job that began it, and that its end is written to. */
  run: z.string(),
  started_at: z.number(),
  /** The last product that was looked at. */
  after: z.string(),
  checked: z.number(),
  drifts: z.number(),
  repaired: z.number(),
  /** What is left, by kind and state. */
  open: z.record(z.string(), z.number()),
  /** The first few products with drift that is left. */
  products: z.array(z.string()),
});
type Walk = z.infer<typeof walkSchema>;

interface Walked {
  walk: Walk;
  ended: boolean;
}

/**
 * Job `reconcile-stock`: goes through all products and mends what it finds. What is more than one invocation may look
 * at is owed as one row of work that goes on with it, a slice at a time; the cursor stands in the row, so who dies in a
 * slice does not lose it, and the slice is done again. The run is `running` until the last slice ends it. Does nothing
 * while another walk is under way; two that begin at the very same moment both go on, which is only twice the work.
 */
export async function reconcileStock(
  context: Context,
  { id, startedAt }: Pick<Run, "id" | "startedAt">,
  limits: Limits = ONE_CALL,
): Promise<JobResult> {
  const other = await findWalk(context);
  if (other !== null) return `the walk of ${other} is still under way`;
  const none = { after: "", checked: 0, drifts: 0, repaired: 0, open: {}, products: [] };
  const { walk, ended } = await walkOn(context, { run: id, started_at: startedAt, ...none }, limits);
  if (ended) return summaryOf(walk);
  await oweRest(context, walk);
  return { goesOn: `${summaryOf(walk)}; goes on` };
}

/**
 * Task `reconcile`: the next slice of a walk. The run is written to before the row is moved on: a death in between does
 * the slice again, and what it mended then counts as never found.
 */
export async function reconcileOn(
  context: Context,
  task: Task,
  limits: Limits = ONE_CALL,
): Promise<TaskOutcome> {
  const read = walkSchema.safeParse(task.payload);
  if (!read.success) return { kind: "failed", error: z.prettifyError(read.error) };
  const { walk, ended } = await walkOn(context, read.data, limits);
  await writeReports(context, [
    {
      id: walk.run,
      name: "reconcile-stock",
      startedAt: walk.started_at,
      finishedAt: ended ? context.clock.now() : null,
      outcome: ended ? "done" : "running",
      detail: ended ? summaryOf(walk) : `${summaryOf(walk)}; goes on`,
    },
  ]);
  return ended ? { kind: "done" } : { kind: "goes_on", payload: walk };
}

async function walkOn(context: Context, walk: Walk, limits: Limits): Promise<Walked> {
  const options = { repair: true, operation: `reconcile-${walk.run}` };
  const part = await reconcileFrom(context, walk.after, options, limits);
  const further = added(walk, part);
  const ended = part.next === null;
  if (ended) await tellOfDrift(context, further);
  return { walk: further, ended };
}

/** What is left at the end of a walk needs a person: one letter to `ADMIN_EMAIL`, however often the last slice is done. */
async function tellOfDrift(context: Context, walk: Walk): Promise<void> {
  if (Object.keys(walk.open).length === 0) return;
  const lines = [
    summaryOf(walk),
    "What is open could not be mended by itself: POST /inventory/reconcile says more of each product.",
  ];
  const notice = { subject: "Stock and orders disagree", lines };
  // About stock and not the run: what is owed for that says that it goes on.
  const letters = noticeTask(context, "stock", notice, walk.run.replace(/^run_/, "wrk_"));
  if (letters.length === 0) return;
  const once = sql`NOT EXISTS (SELECT 1 FROM work WHERE id = row.value ->> 'id')`;
  await run(context.env.DB, addTasks(letters, once));
  context.defer(wakeUp(context, letters));
}

function added(walk: Walk, { checked, drift, repaired, next }: Reconciliation): Walk {
  const open = { ...walk.open };
  const products = new Set(walk.products);
  for (const { kind, state, product_id } of drift.filter(isOpen)) {
    open[`${kind} ${state}`] = (open[`${kind} ${state}`] ?? 0) + 1;
    products.add(product_id);
  }
  return {
    ...walk,
    after: next ?? walk.after,
    checked: walk.checked + checked,
    drifts: walk.drifts + drift.length,
    repaired: walk.repaired + repaired,
    open,
    products: [...products].slice(0, NAMED),
  };
}

function summaryOf({ checked, drifts, repaired, open, products }: Walk): string {
  const detail = `${checked} products checked, ${drifts} drifts, ${repaired} repaired`;
  const kinds = Object.entries(open).map(([kind, count]) => `${count} ${kind}`);
  return kinds.length === 0 ? detail : `${detail}; open: ${kinds.join(", ")} (${products.join(", ")})`;
}

/** The run whose walk goes on as work; null when none does. */
async function findWalk({ env }: Context): Promise<string | null> {
  const owed = await first(
    env.DB,
    sql<{
      object_id: string;
    }>`SELECT object_id FROM work WHERE state = 'owed' AND task = 'reconcile' LIMIT 1`,
  );
  return owed?.object_id ?? null;
}

async function oweRest(context: Context, walk: Walk): Promise<void> {
  const now = context.clock.now();
  const rest: NewTask = {
    id: prefixed("wrk", context.ids.next()),
    task: "reconcile",
    object_id: walk.run,
    payload: walk,
    at: now,
    not_before: now,
    request_id: context.requestId,
  };
  await run(context.env.DB, addTasks([rest], sql`true`));
  context.defer(wakeUp(context, [rest]));
}
