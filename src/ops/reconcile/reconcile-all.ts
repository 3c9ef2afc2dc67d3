import { z } from "zod";
import { type NewTask, newTask } from "../../events/append.ts";
import { Commit } from "../../events/commit.ts";
import { noticeTask } from "../../events/notice.ts";
import type { Task, TaskOutcome } from "../../events/run-tasks.ts";
import type { Context } from "../../platform/context.ts";
import { first, type Sql, sql } from "../../platform/sql.ts";
import { type JobResult, type Run, writeReports } from "../jobs/run.ts";
import { isOpen } from "./drift.ts";
import { type Limits, ONE_CALL, type Reconciliation, reconcileFrom } from "./reconcile.ts";

/** Products with drift left that the summary names, at most. */
const MAX_NAMED_PRODUCTS = 5;

/** How far the reconciliation of all products has come: the payload of the task `reconcile`. */
const progressSchema = z.object({
  /** The run of the job that began it, and that its end is recorded in. */
  run: z.string(),
  started_at: z.number(),
  /** The last product that was compared. */
  after: z.string(),
  checked: z.number(),
  drifts: z.number(),
  repaired: z.number(),
  /** How many drifts are left, by kind and state. */
  open: z.record(z.string(), z.number()),
  /** The first few products with drift that is left. */
  products: z.array(z.string()),
});
type Progress = z.infer<typeof progressSchema>;

/**
 * Job `reconcile-stock`: goes through all products and repairs what it finds. What one invocation cannot do is left to the
 * task `reconcile`, which goes on slice by slice. The cursor is in the task's row, so if a worker dies, its slice is done
 * again. The run is `running` until the last slice ends it. Does nothing while another run goes on. Two runs that begin at
 * the very same moment both go on, which only doubles the work.
 */
export async function reconcileStock(
  context: Context,
  { id, startedAt }: Pick<Run, "id" | "startedAt">,
  limits: Limits = ONE_CALL,
): Promise<JobResult> {
  const other = await findUnfinished(context);
  if (other !== null) return `the walk of ${other} is still under way`;
  const none = { after: "", checked: 0, drifts: 0, repaired: 0, open: {}, products: [] };
  const { progress, ended } = await reconcileSlice(
    context,
    { run: id, started_at: startedAt, ...none },
    limits,
  );
  if (ended) return summaryOf(progress);
  await addRestTask(context, progress);
  return { goesOn: `${summaryOf(progress)}; goes on` };
}

/**
 * Task `reconcile`: the next slice. The run's record is written before the task's row. So if the worker dies in between, the
 * slice is done again, and what it repaired the first time is missing from the counts.
 */
export async function continueReconciliation(
  context: Context,
  task: Task,
  limits: Limits = ONE_CALL,
): Promise<TaskOutcome> {
  const read = progressSchema.safeParse(task.payload);
  if (!read.success) return { kind: "failed", error: z.prettifyError(read.error) };
  const { progress, ended } = await reconcileSlice(context, read.data, limits);
  await writeReports(context, [
    {
      id: progress.run,
      name: "reconcile-stock",
      startedAt: progress.started_at,
      finishedAt: ended ? context.clock.now() : null,
      outcome: ended ? "done" : "running",
      detail: ended ? summaryOf(progress) : `${summaryOf(progress)}; goes on`,
    },
  ]);
  return ended ? { kind: "done" } : { kind: "goes_on", payload: progress };
}

async function reconcileSlice(context: Context, progress: Progress, limits: Limits) {
  const options = { repair: true, operation: `reconcile-${progress.run}` };
  const part = await reconcileFrom(context, progress.after, options, limits);
  const further = added(progress, part);
  const ended = part.next === null;
  if (ended) await sendNotice(context, further);
  return { progress: further, ended };
}

/** Drift that is left at the end needs a person: one notice to `ADMIN_EMAIL`, however often the last slice is done. */
async function sendNotice(context: Context, progress: Progress): Promise<void> {
  if (Object.keys(progress.open).length === 0) return;
  const lines = [
    summaryOf(progress),
    "What is open could not be mended by itself: POST /inventory/reconcile says more of each product.",
  ];
  // Its object is not the run, since a pending task of the run would mean that the run goes on.
  const notices = noticeTask(
    context,
    "stock",
    { subject: "Stock and orders disagree", lines },
    progress.run.replace(/^run_/, "wrk_"),
  );
  await add(context, notices, sql`NOT EXISTS (SELECT 1 FROM work WHERE id = row.value ->> 'id')`);
}

function added(
  progress: Progress,
  { checked, drift, drifts, repaired, open: left, next }: Reconciliation,
): Progress {
  const open = { ...progress.open };
  for (const [kind, count] of Object.entries(left)) open[kind] = (open[kind] ?? 0) + count;
  const products = new Set([
    ...progress.products,
    ...drift.filter(isOpen).map(({ product_id }) => product_id),
  ]);
  return {
    ...progress,
    after: next ?? progress.after,
    checked: progress.checked + checked,
    drifts: progress.drifts + drifts,
    repaired: progress.repaired + repaired,
    open,
    products: [...products].slice(0, MAX_NAMED_PRODUCTS),
  };
}

function summaryOf({ checked, drifts, repaired, open, products }: Progress): string {
  const detail = `${checked} products checked, ${drifts} drifts, ${repaired} repaired`;
  const kinds = Object.entries(open).map(([kind, count]) => `${count} ${kind}`);
  return kinds.length === 0 ? detail : `${detail}; open: ${kinds.join(", ")} (${products.join(", ")})`;
}

/** The run that goes on by a task; null when none does. */
async function findUnfinished({ env }: Context): Promise<string | null> {
  const owed = await first(
    env.DB,
    sql<
      Pick<NewTask, "object_id">
    >`SELECT object_id FROM work WHERE state = 'owed' AND task = 'reconcile' LIMIT 1`,
  );
  return owed?.object_id ?? null;
}

async function addRestTask(context: Context, progress: Progress): Promise<void> {
  await add(context, [newTask(context, "reconcile", progress.run, progress)], sql`true`);
}

async function add(context: Context, tasks: NewTask[], when: Sql): Promise<void> {
  if (tasks.length === 0) return;
  const commit = new Commit(context);
  commit.owe(tasks, when);
  await commit.send();
  commit.wakeUp(() => true);
}
