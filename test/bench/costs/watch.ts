import { notedD1 } from "../../support/noted-d1.ts";
import { add, type Counter, type Counts } from "./counts.ts";
import { OBJECT_GB, QUEUE_CHUNK } from "./prices.ts";

/** All that was counted in this isolate, which has the Worker and its objects. */
export const tally: { counts: Counts } = { counts: {} };

const count = (counter: Counter, thing: string, by = 1): void => add(tally.counts, counter, thing, by);

/** A native object's methods want the object itself as `this`. */
function property<T extends object>(target: T, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === "function" ? value.bind(target) : value;
}

const TABLE = /\b(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+"?(\w+)/i;
const tableOf = (sql: string): string => TABLE.exec(sql)?.[1] ?? "rows";

const envs = new WeakMap<object, Cloudflare.Env>();

/** The bindings, each call counted. The same for the same bindings, since settings are read once for each. */
export function watchedEnv(env: Cloudflare.Env): Cloudflare.Env {
  const known = envs.get(env);
  if (known) return known;
  const watched = { ...env, DB: watchedD1(env.DB), CACHE: watchedKv(env.CACHE) };
  for (const [name, binding] of Object.entries(env)) {
    if (name.endsWith("_QUEUE")) Object.assign(watched, { [name]: watchedQueue(name, binding as Queue) });
  }
  // On this machine it is an RPC stub, of which every property is a method of the other side.
  const send = (message: EmailMessage) => {
    count("mail", "sent");
    return env.EMAIL.send(message);
  };
  watched.EMAIL = { send } as unknown as SendEmail;
  envs.set(env, watched);
  return watched;
}

/** What a trigger writes counts for the table of the statement that fired it. */
const watchedD1 = (db: D1Database): D1Database =>
  notedD1(db, (sent, how) => {
    count("d1_call", how);
    for (const { sql, read, written } of sent) {
      count("d1_row_read", "rows", read);
      if (written > 0) count("d1_row_written", tableOf(sql), written);
    }
  });

const watchedKv = (kv: KVNamespace): KVNamespace =>
  new Proxy(kv, {
    get: (target, name) => {
      if (name === "put" || name === "delete") count("kv_write", String(name));
      else if (typeof name === "string") count("kv_read", name);
      return property(target, name);
    },
  });

const operationsOf = (body: unknown): number => Math.ceil(JSON.stringify(body).length / QUEUE_CHUNK);

const watchedQueue = (name: string, queue: Queue): Queue => {
  const written = (bodies: unknown[]) => {
    const sum = bodies.reduce((total: number, body) => total + operationsOf(body), 0);
    count("queue_operation", name.replace("_QUEUE", "").toLowerCase(), sum);
  };
  return {
    send: (body: unknown, options?: QueueSendOptions) => {
      written([body]);
      return queue.send(body, options);
    },
    sendBatch: (messages: Iterable<MessageSendRequest>, options?: QueueSendBatchOptions) => {
      const all = [...messages];
      written(all.map(({ body }) => body));
      return queue.sendBatch(all, options);
    },
  } as unknown as Queue;
};

/** A batch that came: each message is read, and deleted afterwards. */
export function countBatch({ queue, messages }: MessageBatch): void {
  count("worker_request", `queue ${queue}`);
  for (const { body } of messages) count("queue_operation", queue, 2 * operationsOf(body));
}

export const countRequest = (): void => count("worker_request", "HTTP");

/** An object's state, with the rows of its storage counted. @param name of its class */
export function watchedState(name: string, state: DurableObjectState): DurableObjectState {
  const storage = watchedStorage(name, state.storage);
  return new Proxy(state, {
    get: (target, at) => (at === "storage" ? storage : property(target, at)),
    set: (target, at, value) => Reflect.set(target, at, value),
  });
}

function watchedStorage(name: string, storage: DurableObjectStorage): DurableObjectStorage {
  const sql = {
    exec: (query: string, ...parameters: unknown[]) => {
      const cursor = storage.sql.exec(query, ...parameters);
      const toArray = () => {
        const rows = cursor.toArray();
        count("object_row_read", name, cursor.rowsRead);
        if (cursor.rowsWritten > 0)
          count("object_row_written", `${name}.${tableOf(query)}`, cursor.rowsWritten);
        return rows;
      };
      return { toArray };
    },
  };
  return new Proxy(storage, {
    get: (target, at) => {
      if (at === "sql") return sql;
      if (at === "get") count("object_row_read", name);
      if (at === "put" || at === "deleteAll") count("object_row_written", `${name}.${at}`);
      if (at === "setAlarm" || at === "deleteAlarm") count("object_row_written", `${name}.${at}`);
      return property(target, at);
    },
  });
}

const busy = new WeakMap<object, { calls: number; since: number }>();

/** Counts a call of an object, and the time that the object is at work: calls at the same time share it. */
export async function called<T>(
  object: object,
  name: string,
  call: string,
  work: () => T | Promise<T>,
): Promise<T> {
  count("object_request", `${name}.${call}`);
  const known = busy.get(object) ?? { calls: 0, since: 0 };
  busy.set(object, known);
  if (known.calls++ === 0) known.since = Date.now();
  try {
    return await work();
  } finally {
    if (--known.calls === 0) count("object_gb_s", name, ((Date.now() - known.since) / 1_000) * OBJECT_GB);
  }
}
