interface TaskKind {
  /** The binding of the queue that its wake-ups go to. */
  queue: "DEFAULT_QUEUE" | "NOTIFICATIONS_QUEUE" | "ORDERS_QUEUE" | "PAYMENTS_QUEUE";
  /** Stock or money hangs on it: it may be tried again, but neither dropped nor revoked (docs/DESIGN.md §4). */
  critical: boolean;
}

/**
 * Every task that there is. Who does it stands in src/queues.ts, and the compiler asks for it there.
 *
 * Not critical is a step of the fulfilment, which moves nothing itself: an order too long in one is sent another, and
 * people can take it by hand. A walk over the stock that is given up is begun again the next night. Of what an order is
 * paid after its end, all goes back, whether or not its payments were ended before.
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

/** The queue of a task by its name; null for what no task of this version is. */
export const queueOf = (task: string): string | null =>
  isTaskName(task) ? TASKS[task].queue.replace("_QUEUE", "").toLowerCase() : null;

/** Whether stock or money hangs on it. What another version of Holdfast owed may be anything, and so counts as such. */
export const isCritical = (task: string): boolean => !isTaskName(task) || TASKS[task].critical;
