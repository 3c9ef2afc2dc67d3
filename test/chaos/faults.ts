/**
 * One guard of the protocol taken out of the source at a time. The death test must fail without it: else either the
 * guard or the test is worth nothing. Run one by hand with
 * `PLANTED_FAULT=hasty npm test -- test/chaos/death.test.ts`.
 */
export interface Fault {
  /** What docs/DESIGN.md §2 asks for, and is missing now. */
  missing: string;
  /** The test that fails by an invariant without it. */
  caughtBy: string;
  /** The file in test/chaos that has it; death.test.ts where nothing is said. */
  suite?: string;
  file: string;
  /** Each found exactly once in the file. */
  edits: [find: string, replace: string][];
  /** Where a second lock would hide that the first is gone: it is taken off as well. */
  besides?: { file: string; edits: [find: string, replace: string][] };
}

/** Two locks are on a cart: a guard where an order is written, and a unique index. */
const WITHOUT_CART_INDEX: Fault["besides"] = {
  file: "test/support/migrated.ts",
  edits: [
    [
      "flatMap(({ queries }) => queries)",
      'flatMap(({ queries }) => queries).filter((query) => !query.includes("UNIQUE INDEX `orders_cart`"))',
    ],
  ],
};

export const FAULTS: Record<string, Fault> = {
  "no-fence": {
    missing: "a hold that asks writes `abandoned` before it is let go",
    caughtBy: "wakes after its hold was released",
    file: "src/claims/states.ts",
    edits: [
      [`FROM \${asked} AS asked WHERE true ON CONFLICT`, `FROM \${asked} AS asked WHERE false ON CONFLICT`],
      ["SELECT c.id AS claim,", "SELECT asked.value AS claim,"],
      ["AS asked JOIN claims AS c", "AS asked LEFT JOIN claims AS c"],
    ],
  },
  "release-first": {
    missing: "a claim's fate is written before its holds are let go",
    caughtBy: "a restock between a twin's shortfall",
    file: "src/orders/place/place.ts",
    edits: [
      [
        "const commit = new Commit(context);",
        `for (const { decision } of proposals) {
          if (decision.fate !== "rejected") continue;
          const productIds = decision.order.items.map((item) => item.productId);
          await letGo(context, [{ claim: decision.quote.claim, productIds }]);
        }
        const commit = new Commit(context);`,
      ],
    ],
  },
  "asks-once": {
    missing: "a hold asks for as long as it is open",
    caughtBy: "even when every command to Stock is lost",
    file: "src/inventory/object/ask.ts",
    edits: [
      [
        "Math.max(Math.min(askAt ?? Infinity, scheduled), now + MIN_ASK_DELAY_MS)",
        "Math.max(scheduled, now + 100 * 365 * 86_400_000)",
      ],
    ],
  },
  hasty: {
    missing: "an abandoned claim lets go everywhere before the next generation starts",
    caughtBy: "sends again at once is placed exactly once",
    file: "src/orders/place/begin.ts",
    edits: [
      [
        "const untold = await letGo(\n    context,\n    spent",
        "const untold = await letGo(\n    context,\n    [] ?? spent",
      ],
    ],
    // Whoever falls short lets dead claims in its way go, too.
    besides: {
      file: "src/claims/contention.ts",
      edits: [["await letDeadOnesGo(context, inTheWay, fates);", ""]],
    },
  },
  "shared-stamp": {
    missing: "a claim is given up under another stamp than its record's, which may still arrive",
    caughtBy: "sends again at once is placed exactly once",
    file: "src/orders/place/record.ts",
    edits: [
      ["export async function record(", "let last = '';\nexport async function record("],
      ["const { stamp } = commit;", "const { stamp } = commit;\n  last = stamp;"],
      [
        'const commit = new Commit(context, "none");',
        'const commit = new Commit(context, "none");\n  commit.stamp = last || commit.stamp;',
      ],
      [`AND c.stamp = \${stamp} AND c.order_id = row.value ->> 'id'`, `AND c.stamp = \${stamp}`],
    ],
    // All tries of a draft have one reference, which no two orders may have.
    besides: {
      file: "src/orders/place/quote.ts",
      edits: [["reference: draft.reference,", "reference: context.ids.reference(),"]],
    },
  },
  "no-stamp": {
    missing: "what was not won writes nothing",
    caughtBy: "wakes after its hold was released",
    file: "src/orders/place/record.ts",
    edits: [[`AND c.stamp = \${stamp} AND c.order_id = row.value ->> 'id'`, `AND \${stamp} <> ''`]],
  },
  "spent-twice": {
    missing: "a checkout is placed only where no living order names its cart",
    caughtBy: "while another tab orders it",
    suite: "checkout.test.ts",
    file: "src/orders/place/cart-guard.ts",
    edits: [[`AND NOT EXISTS (\${spentBy(sql\`row.value ->> 'cart'\`, sql\`1\`)})`, ""]],
    besides: WITHOUT_CART_INDEX,
  },
  "one-group": {
    missing: "two tabs of one cart are not placed in one group",
    caughtBy: "two tabs of one cart",
    suite: "desk.test.ts",
    file: "src/orders/desk/contended.ts",
    edits: [[`...(cart ? [\`cart \${cart.id}\`] : [])`, "...(cart ? [] : [])"]],
    besides: WITHOUT_CART_INDEX,
  },
  "own-cart": {
    missing:
      "who finds its key's claim renewed starts again, and is not told that its own order has the cart",
    caughtBy: "finds its own key's order there",
    suite: "checkout.test.ts",
    file: "src/orders/place/place.ts",
    edits: [["fateRow.renewed ? null : (cart", "(cart"]],
  },
  "told-too-soon": {
    missing: "what a hold carried counts as arrived only once its batch has come",
    caughtBy: "what a batch carried that was lost",
    suite: "../orders/told-lists.test.ts",
    file: "src/orders/place/place.ts",
    edits: [
      [
        "const fateRows = await record(context, proposals, commit, together);\n    news.arrived(context.generation, levelsIn(proposals));",
        "news.arrived(context.generation, levelsIn(proposals));\n    const fateRows = await record(context, proposals, commit, together);",
      ],
    ],
  },
  "done-untold": {
    missing: "the task of a step is done only in the batch that tells the lists",
    caughtBy: "dies right after that batch",
    suite: "../orders/told-lists.test.ts",
    file: "src/orders/steps/tell-stock.ts",
    edits: [
      [
        "context.defer(runBatch(context.env.DB, [...project(told.carried, context.clock.now()), done]));",
        `context.defer(
          runBatch(context.env.DB, [done]).then(() =>
            runBatch(context.env.DB, project(told.carried, context.clock.now())),
          ),
        );`,
      ],
    ],
  },
  "silent-repeat": {
    missing: "an object that has just answered what it left reports it, where it is told the same again",
    caughtBy: "so soon that its object has just answered",
    suite: "../orders/told-lists.test.ts",
    file: "src/inventory/object/report.ts",
    edits: [
      [
        "    reportBy(turn, soonest(turn));\n    return null;\n  }\n  Object.assign(books.telling, { sentAt: now, reportAt: now + FOLLOWED_MS",
        "    return null;\n  }\n  Object.assign(books.telling, { sentAt: now, reportAt: now + FOLLOWED_MS",
      ],
    ],
  },
  unanswered: {
    missing: "an alarm that got no answer sets the next one",
    caughtBy: "a hold that gets no answer asks again",
    suite: "../inventory/stock-object.test.ts",
    file: "src/inventory/object/stock.ts",
    edits: [["      this.#arm();\n    } catch (error) {", "    } catch (error) {"]],
  },
  "armed-too-soon": {
    missing: "an alarm that awaits an answer is not replaced by a later one",
    caughtBy: "while a question is on its way",
    suite: "../inventory/stock-object.test.ts",
    file: "src/inventory/object/stock.ts",
    edits: [
      [
        "    return this.#store((turn) => {\n      const at = Math",
        "    return this.#turn((turn) => {\n      const at = Math",
      ],
    ],
  },
  "looks-never": {
    missing: "an object that woke looks what the projection lacks when its alarm rings",
    caughtBy: "what an object of schema 6 was to report",
    suite: "../inventory/upgraded.test.ts",
    file: "src/inventory/object/report.ts",
    edits: [["(reportAt !== null && reportAt > at)", "reportAt === null || reportAt > at"]],
  },
  "mended-to-sleep": {
    missing: "a repair, which sets the alarm anew, sets it for what is untold as well",
    caughtBy: "a repair of an object that woke",
    suite: "../inventory/stock-object.test.ts",
    file: "src/inventory/object/repair.ts",
    edits: [["  lookSoon(turn);\n", ""]],
  },
  "forgets-the-list": {
    missing: "reconciliation finds a level that the projection lacks and no alarm will tell",
    caughtBy: "a projection that nobody will tell",
    suite: "../ops/reconcile/reconcile.test.ts",
    file: "src/ops/reconcile/find-drift.ts",
    edits: [["audit.alarm === null && audit.changed_at", "audit.epoch < 0 && audit.changed_at"]],
  },
  "two-claims": {
    missing: "who goes on without a desk gives up the claim that the desk has",
    caughtBy: "with a group of 1",
    suite: "desk.test.ts",
    file: "src/orders/desk/place-at-desk.ts",
    edits: [
      [`if (fateRows.get(claim)?.fate !== "abandoned")`, `if (fateRows.size > 1)`],
      ["[{ claim, key: null, cart: draft.cart }]", "[]"],
    ],
  },
  "any-version": {
    missing: "a checkout is placed only where its cart is still what was read",
    caughtBy: "while something is put into it",
    suite: "checkout.test.ts",
    file: "src/orders/place/cart-guard.ts",
    edits: [[" AND t.version = row.value ->> 'cart_version'", ""]],
  },
  "no-fate": {
    missing: "who falls through a cart's guard is given a dead fate before it lets go",
    caughtBy: "while another tab orders it",
    suite: "checkout.test.ts",
    file: "src/orders/place/record.ts",
    edits: [["if (refusable.length > 0) {", "if (refusable.length < 0) {"]],
  },
  "unpaid-uncounted": {
    missing:
      "how many units wait is counted in the batch that records an order, so that orders at once do not pass the limit",
    caughtBy: "orders at once do not pass it together",
    suite: "../orders/strangers.test.ts",
    file: "src/orders/place/record.ts",
    edits: [["now, MAY_BE)", "now, CART_ALLOWS)"]],
  },
  mixed: {
    missing: "the claims of a bulk of all or nothing are neighbours, so that two bulks have one order",
    caughtBy: "do not both fall, whatever their ids",
    suite: "bulk-rivals.test.ts",
    file: "src/claims/ids.ts",
    edits: [["if (!together) return", "return"]],
  },
  "waits-in-vain": {
    missing: "a bulk of all or nothing does not wait for a part of it while another part falls",
    caughtBy: "fall at once where they are behind",
    suite: "bulk-rivals.test.ts",
    file: "src/orders/place/place.ts",
    edits: [["if (allMayYetBeHeld(reservations, waiting)) await", "await"]],
  },
  "no-generation": {
    missing: "who read before a restore records nothing after it",
    caughtBy: "a placing that reserved before a restore",
    suite: "restored.test.ts",
    file: "src/platform/restoring.ts",
    edits: [[` OR (key = 'generation' AND value <> \${\`\${generation}\`})`, ` OR \${generation} < 0`]],
  },
  "same-version": {
    missing: "a step is made from what was read, and not from the same version of another history",
    caughtBy: "a step that was planned in another history",
    suite: "restored.test.ts",
    file: "src/platform/restoring.ts",
    edits: [[` OR (key = 'generation' AND value <> \${\`\${generation}\`})`, ` OR \${generation} < 0`]],
    besides: {
      file: "src/orders/steps/move.ts",
      edits: [["AND orders.stamp = row.value ->> 'stamp'\n", "\n"]],
    },
  },
  "obeys-the-dead": {
    missing: "a restored object refuses what was sent before the restore",
    caughtBy: "a follow that was sent before a restore",
    suite: "restored.test.ts",
    file: "src/inventory/object/stock.ts",
    edits: [["generation < restored.generation", "generation < 0"]],
  },
  "half-loaded": {
    missing: "an object takes no commands between two parts of its restore",
    caughtBy: "between two parts of its restore",
    suite: "restored.test.ts",
    file: "src/inventory/object/stock.ts",
    edits: [["if (restored.loading === 1) throw", "if (restored.loading > 1) throw"]],
  },
  "loads-late": {
    missing: "a part of a table is refused in its batch, if it is of a restore of before",
    caughtBy: "empties no table",
    suite: "restore-calls.test.ts",
    file: "src/ops/backup/dump-table.ts",
    edits: [["[refuseUnlessRestoring(generation), ...statements]", "statements"]],
  },
  "puts-back-late": {
    missing: "an object is loaded only by the restore that has emptied it",
    caughtBy: "puts no object back",
    suite: "restore-calls.test.ts",
    file: "src/inventory/object/stock.ts",
    edits: [
      ["if (!this.#isLoading(page.generation))", "if (!page.first && !this.#isLoading(page.generation))"],
    ],
  },
  "empties-late": {
    missing: "an object is not emptied by a restore of before the one that has loaded it",
    caughtBy: "empties no object",
    suite: "restore-calls.test.ts",
    file: "src/inventory/object/load.ts",
    edits: [["was.generation > generation)", "was.generation > generation + 9)"]],
  },
  "empties-twice": {
    missing: "an object is not emptied again by the restore that has loaded it",
    caughtBy: "a call of a restore that came twice",
    suite: "restore-calls.test.ts",
    file: "src/inventory/object/load.ts",
    edits: [["was.generation === generation && was.loading === 0", "was.generation < 0"]],
  },
  "opens-late": {
    missing: "the batch that opens the shop looks whether another restore has begun",
    caughtBy: "before the next one has reconciled",
    suite: "restore-calls.test.ts",
    file: "src/ops/selling/selling.ts",
    edits: [["fence: refuseUnlessStill(seen),", ""]],
  },
  "opens-another's": {
    missing: "who opens the shop after a restore names that restore",
    caughtBy: "the first opens no shop whose objects the second has emptied",
    suite: "restore-calls.test.ts",
    file: "src/ops/selling/selling.ts",
    edits: [['return named === generation ? null : "superseded"', "return null"]],
  },
  "opens-unnamed": {
    missing: "a restore is not ended by who does not name it",
    caughtBy: "by hand must name the restore",
    suite: "restore-calls.test.ts",
    file: "src/ops/selling/selling.ts",
    edits: [['restoring ? "unnamed" : null', "null"]],
  },
  "ends-not-all": {
    missing: "an object that has nothing in the backup belongs to the restore, too",
    caughtBy: "refused also where the backup has nothing of its product",
    suite: "restored.test.ts",
    file: "src/cli/restore-shop.ts",
    edits: [
      ["for (const product of without) yield", 'for (const product of without) if (product === "") yield'],
    ],
  },
  "half-a-backup": {
    missing: "no backup is made of a shop that is being restored",
    caughtBy: "no backup is made of a shop that is being restored",
    suite: "restore-beside-backup.test.ts",
    file: "src/cli/save-shop.ts",
    edits: [["if (begin.restoring)", "if (begin.schema === null)"]],
  },
  "two-histories": {
    missing: "no backup is made across a restore",
    caughtBy: "no backup is made across a restore that comes before its objects are read",
    suite: "restore-beside-backup.test.ts",
    file: "src/cli/save-shop.ts",
    edits: [["if (generation !== begin.generation)", "if (begin.schema === null)"]],
  },
  "two-dumps": {
    missing: "an object's dump does not go on after a restore, or in the midst of one",
    caughtBy: "an object whose dump began before a restore",
    suite: "restore-beside-backup.test.ts",
    file: "src/inventory/object/dump.ts",
    edits: [["meta.loading === 1 || begin.generation !== meta.generation", "meta.generation < 0"]],
  },
  "marks-for-others": {
    missing: "who worked in another history marks no task of the restored one",
    caughtBy: "who put a return's unit back in another history",
    suite: "restored-marks.test.ts",
    file: "src/platform/restoring.ts",
    edits: [
      [`AND \${GENERATION} = \${generationOf(context)}`, `AND \${GENERATION} >= \${generationOf(context)}`],
    ],
  },
  "answers-for-others": {
    missing: "what was done in another history answers no key of the restored one",
    caughtBy: "an adjustment of another history answers no key",
    suite: "restored-marks.test.ts",
    file: "src/platform/idempotency.ts",
    edits: [["fence: refuseRestored(context),", ""]],
  },
  "parcels-on-shelves": {
    missing: "what has left is put back on no shelf, whatever its order says",
    caughtBy: "is not sold again either when its order is cancelled",
    suite: "restored-stock.test.ts",
    file: "src/inventory/object/repair.ts",
    edits: [["difference.on_hand > 0", "difference.on_hand > 1_000"]],
  },
  "no-news": {
    missing: "a restored object takes the next step of an order that it had heard more of",
    caughtBy: "obeys the next step all the same",
    suite: "restored-stock.test.ts",
    file: "src/inventory/object/load.ts",
    edits: [["AND version > 1", "AND version > 1_000"]],
  },
  "waits-for-the-gone": {
    missing: "no placing of before a restore is waited for by its reconciliation",
    caughtBy: "a claim that only the objects know",
    suite: "restored-stock.test.ts",
    file: "src/ops/reconcile/find-drift.ts",
    edits: [["claim.created_at > restoredAt", "claim.created_at >= 0"]],
  },
  "keys-too-early": {
    missing: "a backup reads the keys once more after the objects",
    caughtBy: "under a key before the objects are read is booked once",
    suite: "torn-changes.test.ts",
    file: "src/cli/save-shop.ts",
    edits: [["for (const { table, since } of again) {", "for (const { table, since } of again.slice(2)) {"]],
  },
  "answers-of-the-lost": {
    missing: "an answer whose effect an object may lack is in no backup",
    caughtBy: "under a key after the objects are read is booked once",
    suite: "torn-changes.test.ts",
    file: "src/cli/saved-answers.ts",
    edits: [["({ ...row, status: null, body: null })", "row"]],
  },
};

/** A Vite plugin that takes the named guard out. Throws when the source no longer has what it takes out. */
export function plantFault(name: string) {
  const fault = FAULTS[name];
  if (!fault) throw new Error(`there is no planted fault ${name}`);
  return {
    name: `planted-fault-${name}`,
    enforce: "pre" as const,
    transform(code: string, id: string) {
      const parts = [fault, ...(fault.besides ? [fault.besides] : [])];
      const part = parts.find(({ file }) => id.split("?")[0]?.endsWith(file));
      return part?.edits.reduce((source, [find, replace]) => {
        if (source.split(find).length !== 2) throw new Error(`${part.file} has not one "${find}"`);
        return source.replace(find, () => replace);
      }, code);
    },
  };
}
