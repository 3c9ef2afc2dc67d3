import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { LEASE_MS } from "../../src/events/take.ts";
import { consume } from "../../src/queues.ts";
import { Boundary, ENDINGS } from "../chaos/boundary.ts";
import { measure } from "../costs/measure.ts";
import { testContext } from "../events/context.ts";
import { owe, type WorkRow, workRow } from "../events/rows.ts";
import { testClock } from "../support/clock.ts";
import { confirmationOf, givenOrder, keptEmails } from "./orders.ts";

/** Mails of one queue batch, which share their calls and nothing else. */

const work = (number: number) => `wrk_${number}`;
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index);

async function givenMails(mails: number[]): Promise<string[]> {
  for (const number of mails) await givenOrder({ id: `ord_${number}`, email: `${number}@shop.example` });
  await owe(...mails.map((number) => confirmationOf(`ord_${number}`, work(number))));
  return mails.map(work);
}

/** A provider that takes an e-mail at once, unless it is told otherwise. */
const provider = (send: (to: string) => Promise<unknown> = async () => {}) =>
  ({ send: async ({ to }: EmailMessage) => send(to) }) as unknown as SendEmail;

const batchOf = (ids: string[]) => {
  const messages = ids.map((id) => ({ id, body: { id }, ack: () => {}, retry: () => {} }));
  return { queue: "notifications", messages } as unknown as MessageBatch;
};

const rowsOf = (ids: string[]): Promise<WorkRow[]> => Promise.all(ids.map(workRow));
const told = async () => (await keptEmails()).map(({ work_id, to_address }) => [work_id, to_address]);

test("twenty are leased, read, kept and marked by a call each", async () => {
  const ids = await givenMails(numbers(20));
  const { calls, sent } = await measure((context) =>
    consume({ ...context, env: { ...context.env, EMAIL: provider() } }, batchOf(ids)),
  );
  expect({
    calls,
    statements: sent.length,
    read: sent.reduce((sum, { read }) => sum + read, 0),
    written: sent.reduce((sum, { written }) => sum + written, 0),
  }).toEqual({ calls: 4, statements: 5, read: 440, written: 101 });
  expect((await rowsOf(ids)).map(({ state }) => state)).toEqual(ids.map(() => "done"));
  expect((await told()).sort()).toEqual(ids.map((id, number) => [id, `${number}@shop.example`]).sort());
  expect((await keptEmails())[0]).toMatchObject({
    subject: "Your order ORD-ord_0",
    text: expect.stringContaining("2 x Coffee beans\n    19.99 USD each, 39.98 USD\n10 x Filter papers"),
    html: expect.stringMatching(/^<!doctype html>/),
    sent_at: testClock.now(),
  });
});

test("each tells its own order's items, in their order", async () => {
  const items = (...titles: string[]) => titles.map((title) => ({ title, quantity: 1, unitPrice: 100 }));
  await givenOrder({ id: "ord_a", items: items("Zinc", "Apple") });
  await givenOrder({ id: "ord_b", items: items("Moss") });
  await owe(confirmationOf("ord_a", "wrk_a"), confirmationOf("ord_b", "wrk_b"));
  await consume(testContext({ env: { ...env, EMAIL: provider() } }), batchOf(["wrk_a", "wrk_b"]));
  const titles = (await keptEmails()).map(({ text }) => text.match(/(?<=1 x )\w+/g));
  expect(titles).toEqual([["Zinc", "Apple"], ["Moss"]]);
});

test("more than a parameter of D1 holds are all kept, and still by one call", async () => {
  const items = [{ title: "long ".repeat(80_000), quantity: 1, unitPrice: 1 }];
  for (const id of ["ord_a", "ord_b", "ord_c"]) await givenOrder({ id, items });
  const ids = ["a", "b", "c"].map((name) => `wrk_${name}`);
  await owe(...["a", "b", "c"].map((name) => confirmationOf(`ord_${name}`, `wrk_${name}`)));
  const { calls, sent } = await measure((context) =>
    consume({ ...context, env: { ...context.env, EMAIL: provider() } }, batchOf(ids)),
  );
  expect(calls).toBe(4);
  const lengths = sent.flatMap(({ values }) => values.map((value) => `${value}`.length));
  expect(Math.max(...lengths)).toBeLessThan(2_000_000);
  expect((await keptEmails()).map(({ work_id, text }) => [work_id, text.length > 390_000])).toEqual(
    ids.map((id) => [id, true]),
  );
});

test("one that cannot be read, sent or addressed, or gets no answer, spoils none of the others", async () => {
  const ids = await givenMails(numbers(20));
  await env.DB.batch([
    env.DB.prepare("UPDATE orders SET customer = '{' WHERE id = 'ord_1'"),
    env.DB.prepare("UPDATE orders SET customer = json_set(customer, '$.email', 'x y') WHERE id = 'ord_2'"),
    env.DB.prepare("UPDATE work SET payload = '{}' WHERE id = 'wrk_4'"),
    env.DB.prepare("DELETE FROM orders WHERE id = 'ord_5'"),
  ]);
  const silence = Promise.withResolvers<void>();
  const EMAIL = provider(async (to) => {
    if (to.startsWith("3@")) throw new Error("suppressed");
    if (to.startsWith("0@")) await silence.promise;
  });
  const context = testContext({
    env: { ...env, EMAIL, NOTIFICATIONS_QUEUE: { sendBatch: async () => {} } as never },
  });
  const working = consume(context, batchOf(ids));
  const good = ids.slice(6);
  await expect.poll(async () => (await rowsOf(good)).every(({ state }) => state === "done")).toBe(true);
  await expect.poll(async () => (await workRow("wrk_4")).error).toMatch(/^no such mail/);
  const [silent, unreadable, misaddressed, refused, unknown, gone] = await rowsOf(ids);
  expect(silent).toMatchObject({ state: "owed", attempts: 1, lease: expect.any(String), error: null });
  expect(unreadable).toMatchObject({ state: "owed", lease: null, error: expect.stringContaining("JSON") });
  expect(misaddressed).toMatchObject({ state: "owed", error: 'not an address to send to: "x y"' });
  expect(refused).toMatchObject({ state: "owed", error: "not sent: suppressed" });
  expect(unknown).toMatchObject({ state: "owed", attempts: 1 });
  expect(gone).toMatchObject({ state: "done" });
  expect((await told()).map(([id]) => id).sort()).toEqual([...good].sort());

  silence.resolve();
  await working;
  expect(await workRow("wrk_0")).toMatchObject({ state: "done", error: null });
  expect((await told()).at(-1)).toEqual(["wrk_0", "0@shop.example"]);
});

test("wherever a worker dies or a call fails, each mail is sent, and its row is due again when the lease ends", async () => {
  const mails = 3;
  let from = 0;
  const attempt = async (boundary: Boundary) => {
    const ids = await givenMails(numbers(mails, from));
    from += mails;
    const sent: string[] = [];
    const EMAIL = provider(async (to) => sent.push(to));
    const silent = { sendBatch: async () => {} } as never;
    const context = testContext({
      env: { ...boundary.watch({ ...env, EMAIL }), NOTIFICATIONS_QUEUE: silent },
    });
    await Promise.race([consume(context, batchOf(ids)), boundary.still()]);
    const first = [...sent];
    const done = (await rowsOf(ids)).filter(({ state }) => state === "done").length;

    // No other worker begins what is under a lease.
    const others = testContext({ env: { ...env, EMAIL, NOTIFICATIONS_QUEUE: silent } });
    const begun = (await rowsOf(ids)).filter(({ attempts }) => attempts > 0).map(({ id }) => id);
    await consume(others, batchOf(begun));
    expect(sent).toEqual(first);

    testClock.advance(LEASE_MS);
    await consume(others, batchOf(ids));
    // What was marked is not sent again.
    expect(sent.length - first.length).toBe(mails - done);
    await boundary.deliver();
    boundary.bury();
    const rows = await rowsOf(ids);
    expect(rows.map(({ state }) => state)).toEqual(ids.map(() => "done"));
    expect(Math.max(...rows.map(({ attempts }) => attempts))).toBeLessThanOrEqual(2);
    const kept = (await keptEmails()).map(({ work_id }) => work_id);
    for (const id of ids) {
      expect(sent).toContain(`${id.slice(4)}@shop.example`);
      expect(kept).toContain(id);
    }
  };

  const untouched = new Boundary();
  await attempt(untouched);
  const { calls } = untouched;
  expect(calls).toEqual(["D1.all", "D1.batch", "mail.send", "mail.send", "mail.send", "D1.batch", "D1.run"]);
  for (const at of calls.keys()) {
    for (const ending of ENDINGS) {
      await attempt(new Boundary({ at, ending })).catch((cause) => {
        throw new Error(`worker ${ending} at ${calls[at]} (call ${at})`, { cause });
      });
    }
  }
});

test("a restore that begins while mails are on their way keeps their marks out", async () => {
  const ids = await givenMails(numbers(2));
  const EMAIL = provider(async () => {
    await env.DB.prepare(
      "INSERT INTO shop_state (key, value, since) VALUES ('generation', '1', 0) ON CONFLICT DO NOTHING",
    ).run();
  });
  await consume(testContext({ env: { ...env, EMAIL } }), batchOf(ids));
  for (const row of await rowsOf(ids))
    expect(row).toMatchObject({ state: "owed", lease: expect.any(String) });
});
