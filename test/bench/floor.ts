import { ADDRESS_HEADER, nextAddress } from "./addresses.ts";
import type { Counted, CountedStatement } from "./counted-worker.ts";
import type { Ask } from "./load.ts";
import type { Operation } from "./operations.ts";
import { ENTRIES_OF_A_HOLD, type Plan, tablesOf } from "./plan.ts";
import { migrate, type Running } from "./shop.ts";

/** So many different requests are counted for a floor that gathers: as many as a group has. */
const REQUESTS_OF_A_GROUP = 32;

/** Whether an operation is one that the shop gathers. */
export const isGathered = ({ objects, worth }: Operation): boolean => objects.each > 0 && worth === 1;

/** Has the floor do what ours was seen to do. @returns what one request of ours asked of other parts */
export async function setFloor(floor: Running, shop: Running, operation: Operation): Promise<Counted> {
  const ask = (turn: number) => {
    const one = operation.next(turn);
    return { ...one, headers: { ...one.headers, [ADDRESS_HEADER]: nextAddress() } };
  };
  const counted = await count(shop, ask(1));
  const others: Counted[] = [];
  for (let turn = 2; isGathered(operation) && turn <= REQUESTS_OF_A_GROUP; turn++)
    others.push(await count(shop, ask(turn)));
  const puts = putsOf(operation, counted);
  await makeTables(await floor.db(), puts);
  const plan = planOf(operation, [counted, ...others], puts, await answerOf(shop, ask(1)));
  const answer = await fetch(floor.url, { method: "PUT", body: JSON.stringify(plan) });
  if (!answer.ok) throw new Error(`the floor fails: ${await answer.text()}`);
  return counted;
}

async function count(shop: Running, ask: Ask): Promise<Counted> {
  const answer = await send(shop, { ...ask, headers: { ...ask.headers, "bench-io": "1" } });
  return (await answer.json()) as Counted;
}

const answerOf = async (shop: Running, ask: Ask): Promise<string> => (await send(shop, ask)).text();

const send = (shop: Running, { path, method, headers, body }: Ask): Promise<Response> =>
  fetch(shop.url + path, {
    method,
    ...(headers ? { headers } : {}),
    ...(body === undefined ? {} : { body }),
  });

const READS = /^\s*(?:WITH|SELECT)\b/i;

/** The same calls: what read is sent as it was; what wrote writes as many entries in as many statements. */
function planOf({ objects }: Operation, counted: Counted[], puts: Put[], answer: string): Plan {
  const { each, of, holds } = objects;
  const tables = Array.from({ length: holds }, () => [...ENTRIES_OF_A_HOLD.keys()]).flat();
  return {
    answer,
    reads: counted.map(({ statements }) => statements.filter((call) => !isWriting(call))),
    objects: { each, of, tables },
    writes: puts.map(({ rows }) => rows),
  };
}

const isWriting = (call: CountedStatement[]): boolean => call.some(({ sql }) => !READS.test(sql));

/** What a statement of the floor writes: rows, and to how many entries each of them comes. */
interface Put {
  entries: number;
  /** A JSON array of texts. */
  rows: string;
}

/** For each statement that wrote, or stood beside one, one row for what the request is worth: as many characters as it had. */
function putsOf({ worth }: Operation, { statements }: Counted): Put[] {
  return statements.filter(isWriting).flatMap((call) =>
    call.map(({ parameters, written }) => {
      const entries = Math.max(1, Math.round(written / worth));
      const rows = Math.round(written / entries);
      const text = "x".repeat(Math.ceil(JSON.stringify(parameters).length / (rows || 1)));
      return { entries, rows: JSON.stringify(Array.from({ length: rows }, () => text)) };
    }),
  );
}

/** Table 0 is also what the floor's consumer writes to, when no request does. */
async function makeTables(db: D1Database, puts: Put[]): Promise<void> {
  const { results } = await db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'floor_%'")
    .all<{ name: string }>();
  const drops = results.map(({ name }) => `DROP TABLE ${name}`);
  const entries = puts.length === 0 ? [1] : puts.map((put) => put.entries);
  await db.batch([...drops, ...tablesOf("floor", entries)].map((sql) => db.prepare(sql)));
}

/** The floor reads what we read: the same rows under the same indexes. */
export async function mirror(from: D1Database, to: D1Database): Promise<void> {
  await migrate(to);
  for (const table of ["categories", "stores", "products", "stock_levels", "users", "sessions"]) {
    const { results } = await from.prepare(`SELECT * FROM ${table}`).all();
    const columns = Object.keys(results[0] ?? {});
    for (let start = 0; start < results.length; start += 500) {
      const rows = JSON.stringify(results.slice(start, start + 500));
      const values = columns.map((column) => `value ->> '${column}'`).join();
      await to
        .prepare(`INSERT INTO ${table} (${columns.join()}) SELECT ${values} FROM json_each(?)`)
        .bind(rows)
        .run();
    }
  }
}
