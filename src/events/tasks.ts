interface TaskKind {
  /** The binding of the queue that its wake-ups go to. */
  queue: "DEFAULT_QUEUE" | "NOTIFICATIONS_QUEUE" | "ORDERS_QUEUE" | "PAYMENTS_QUEUE";
  /** Stock or money hangs on it: it may be tried again, but neither dropped nor revoked (docs/DESIGN.md §4). */
  critical: boolean;
}

/**
 * Every task that there is. Its handler is named in src/queues.ts, where the compiler asks for it.
 *
 * Not critical are: a step of simulated fulfilment, since an order that is too long in one is sent another, and people
 * can take it by hand; a walk over the stock, since the next night begins a new one; and the end of a dead order's
 * payments, since all that it is paid afterwards goes back in any case.
 */
const TASKS = {
  email: { queue: "NOTIFICATIONS_QUEUE", critical: false },
  "end-payments": { queue: "PAYMENTS_QUEUE", critical: false },
  follow: { queue: "ORDERS_QUEUE", critical: true },
  "fulfilment-step": { queue: "ORDERS_QUEUE", critical: false },
  "payment-event": { queue: "PAYMENTS_QUEUE", critical: true },
  reconcile: { queue: "DEFAULT_QUEUE", critical: false },
  refund: { queue: "PAYMENTS_QUEUE", critical: true },
  restock: { queue: "ORDERS_QUEUE", critical: true },
} as const satisfies Record<string, TaskKind>;

export type TaskName = keyof typeof TASKS;

export const TASK_NAMES = Object.keys(TASKS);

export const isTaskName = (task: string): task is TaskName => Object.hasOwn(TASKS, task);

/** The binding of a task's queue. */
export const bindingOf = (task: TaskName): TaskKind["queue"] => TASKS[task].queue;

/** The queue of a task by its name; null for a name that this version does not know. */
export const queueOf = (task: string): string | null =>
  isTaskName(task) ? TASKS[task].queue.replace("_QUEUE", "").toLowerCase() : null;

/** Whether stock or money hangs on a task. An unknown one, of another version of Holdfast, counts as critical. */
export const isCritical = (task: string): boolean => !isTaskName(task) || TASKS[task].critical;
