import { env, exports } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { type Api, createApi } from "../../../src/cli/api.ts";
import { type RestoreOptions, restoreShop } from "../../../src/cli/restore-shop.ts";
import { overviewSchema } from "../../../src/cli/save-shop.ts";
import { owe } from "../../events/rows.ts";
import { answerOf, order, refusalOf } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { basket, get, givenShop } from "../../support/shop.ts";
import { PASSWORD, type SignedIn, signIn } from "../../support/sign-in.ts";

/** A shop that is restored to nothing but itself, and whose reconciliation takes more than one request. */

const quiet: RestoreOptions = {
  ...{ password: PASSWORD, forceOpen: false, drainMs: 0 },
  ...{ print: () => {}, pause: async () => {}, report: async () => {} },
};
const NOW = "2026-11-20T00:00:00.000Z";
const SHORT = { product_id: "prd_1", kind: "order_unheld", state: "short", detail: "2 are missing" };

/** What is named of the drift that is left, how much that is where nothing is named, or a failure. */
type Part = (typeof SHORT)[] | number | Error;

let admin: SignedIn;
let productId: string;
beforeEach(async () => {
  productId = (await givenShop([[5]])).productIds[0] ?? "";
  admin = await signIn("admin");
});

const buy = () => order(basket({ [productId]: 1 }));
const selling = async () => (await answerOf(get("/ops/selling", admin.headers))).body.state;

/**
 * The restore of a backup without a row, over the Worker itself. Each part of each round of the reconciliation answers
 * what it is given, once it was seen that nothing is sold; an error is a request that fails.
 */
async function restored(...rounds: Part[][]) {
  const answers = rounds.flatMap((parts) =>
    parts.map((part, index) => ({ part, next: index + 1 < parts.length ? `prd_${index + 1}` : null })),
  );
  const api = createApi("http://shop.test", admin.token, (url, init) => exports.default.fetch(url, init));
  const { schema } = await api.get("/ops/backup", overviewSchema);
  const asked: unknown[] = [];
  const stub: Api = {
    ...api,
    get: async (path, answer) =>
      answer.parse(
        path === "/ops/backup"
          ? {
              schema,
              at: NOW,
              last_seq: 0,
              tables: [],
              again: [],
              under_way: 0,
              restoring: false,
              generation: 0,
            }
          : await api.get(path, answer),
      ),
    post: async (path, body, answer) => {
      if (path !== "/inventory/reconcile") return api.post(path, body, answer);
      expect([await selling(), ...refusalOf(await buy())]).toEqual(["stopped", 503, "selling_stopped"]);
      const { part, next } = answers[asked.push(body) - 1] ?? { part: [], next: null };
      if (part instanceof Error) throw part;
      return answer.parse({
        ...{ checked: 1, drift: typeof part === "number" ? [] : part, repaired: 0, next },
        open: { "order_unheld short": typeof part === "number" ? part : part.length },
      });
    },
  };
  const manifest = { format: 1 as const, made_at: NOW, schema, tables: [], products: 0, files: [] };
  const outcome = await restoreShop(stub, { manifest, rows: async function* () {} }, quiet).catch(String);
  return { outcome, asked };
}

test("nothing is sold until the last part of the reconciliation has ended", async () => {
  const { outcome, asked } = await restored([[], [], []]);
  expect(asked).toMatchObject([{ after: "" }, { after: "prd_1" }, { after: "prd_2" }]);
  expect(outcome).toMatchObject({ kind: "open" });
  expect(await selling()).toBe("open");
});

test("what the first of three parts left open is not forgotten by the last", async () => {
  const { outcome } = await restored([[SHORT], [], []], [[SHORT], []], [[SHORT], []]);
  expect(outcome).toMatchObject({ kind: "stopped", open: [SHORT] });
  expect(await selling()).toBe("stopped");
  expect(refusalOf(await buy())).toEqual([503, "selling_stopped"]);
});

test("what is left though it was not named keeps the shop stopped", async () => {
  const unnamed = Array.from({ length: 3 }, () => [2]);
  const { outcome } = await restored(...unnamed);
  expect(outcome).toMatchObject({ kind: "stopped", open: [], left: 2 });
  expect(await selling()).toBe("stopped");
});

test("a run that only waits for its walk is not waited for", async () => {
  await env.DB.prepare(
    "INSERT INTO job_runs (id, name, started_at, outcome) VALUES ('run_1', 'reconcile-stock', ?1, 'running')",
  )
    .bind(testClock.now())
    .run();
  const underWay = async () =>
    (await get("/ops/backup", admin.headers).then((answer) => answer.json<{ under_way: number }>()))
      .under_way;
  expect(await underWay()).toBe(1);
  await owe({ id: "wrk_walk", task: "reconcile", object_id: "run_1", not_before: testClock.now() });
  expect(await underWay()).toBe(0);
});

test("a walk that the backup was made in the middle of does not go on, and other work does", async () => {
  const later = testClock.now() + 3_600_000;
  await owe(
    { id: "wrk_walk", task: "reconcile", object_id: "run_1", not_before: later },
    { id: "wrk_mail", task: "email", not_before: later },
  );
  expect((await restored([])).outcome).toMatchObject({ kind: "open" });
  const { results } = await env.DB.prepare("SELECT id FROM work").all();
  expect(results).toEqual([{ id: "wrk_mail" }]);
});

test("a reconciliation that breaks off in the middle leaves the shop stopped", async () => {
  const { outcome } = await restored([[], new Error("the connection was lost"), []]);
  expect(outcome).toBe("Error: the connection was lost");
  expect(await selling()).toBe("stopped");
  expect(refusalOf(await buy())).toEqual([503, "selling_stopped"]);
});
