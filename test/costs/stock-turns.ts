import { getLogger } from "@logtape/logtape";
import type { Sql } from "../../src/inventory/object/sql-port.ts";
import { Stock } from "../../src/inventory/object/stock.ts";
import type {
  Carry,
  ClaimState,
  FollowState,
  ReserveRequest,
  StockReport,
} from "../../src/inventory/stock-types.ts";

const PRODUCT = "prd_1";
const HOUR = 3_600_000;
const begin = 1_800_000_000_000;

/** Takes one turn, or an alarm, and notes what it cost. */
export type Measure = (name: string, turn: () => unknown) => Promise<void>;

/**
 * Each kind of turn of a Stock object once, in one that has `stored` claims that ended, as many of living orders, and a
 * line in the ledger for each change of them.
 */
export async function takeTurns(sql: Sql, stored: number, measure: Measure): Promise<void> {
  let now = begin;
  const reports: StockReport[] = [];
  let answers: ClaimState[] = [];
  const wake = (): Stock =>
    new Stock({
      sql,
      clock: { now: () => now, sleep: async () => {} },
      log: getLogger("silent"),
      askFates: async () => ({ claims: answers, projected: [] }),
      sendReport: async (sent) => {
        reports.push(sent);
      },
      arm: () => {},
    });
  let stock = wake();
  const ids = (kind: string, count: number) => Array.from({ length: count }, (_, at) => `clm_${kind}_${at}`);
  let news: StockReport | undefined;
  const reserve = (claims: string[], quantity = 1, carry?: Carry) => {
    const outcomes = stock.reserve(
      PRODUCT,
      claims.map((claim): ReserveRequest => {
        return { claim, orderId: `ord_${claim}`, quantity, stores: ["sto_2"], only: false };
      }),
      HOUR,
      0,
      carry,
    );
    for (const outcome of outcomes) if (outcome.kind === "held") news = outcome.carried ?? news;
  };
  const follow = (claims: string[], version: number, state: FollowState) =>
    stock.follow(
      PRODUCT,
      claims.map((claim) => ({ claim, version, state })),
    );
  const places = [1, 2, 3].map((place) => ({ store_id: `sto_${place}`, quantity: 2 * stored + 500 }));
  stock.open(PRODUCT, { levels: places, actor: "a" });
  reserve(ids("ended", stored));
  follow(ids("ended", stored), 1, {});
  reserve(ids("living", stored));
  follow(ids("living", stored), 1, { sto_2: { keep: 1, shipped: 0 } });
  reserve(ids("undecided", 20));
  const available = () => stock.levels().available;

  await measure("held", () => reserve(["clm_a"]));
  await measure("repeated", () => reserve(["clm_a"]));
  await measure("placed", () => follow(["clm_a"], 1, { sto_2: { keep: 1, shipped: 0 } }));
  await measure("told again", () => follow(["clm_a"], 1, { sto_2: { keep: 1, shipped: 0 } }));
  await measure("shipped", () => follow(["clm_a"], 2, { sto_2: { keep: 0, shipped: 1 } }));
  await measure("held, to be let go", () => reserve(["clm_b"]));
  await measure("let go", () => follow(["clm_b"], 1, {}));
  const most = stock.levels().stores[1]?.available ?? 0;
  await measure("held in two stores", () => reserve(["clm_c"], most + 1));
  await measure("placed in two stores", () =>
    follow(["clm_c"], 1, { sto_1: { keep: 1, shipped: 0 }, sto_2: { keep: most, shipped: 0 } }),
  );
  await measure("100 held", () => reserve(ids("bulk", 100)));
  await measure("100 let go", () => follow(ids("bulk", 100), 1, {}));
  reserve(["clm_d"], available() + 1);
  await measure("short", () => reserve(["clm_d"], available() + 1));
  await measure("adjusted", () =>
    stock.adjust(PRODUCT, {
      ...{ operation: "op_1", storeId: "sto_1", type: "add", quantity: 1 },
      ...{ reason: "found", reference: null, actor: "usr_1" },
    }),
  );
  await measure("levels read", () => stock.levels());

  now += 10_000;
  await measure("report sent", () => stock.alarm());
  const acknowledge = () => stock.reported(reports.at(-1)?.epoch ?? 0, reports.at(-1)?.version ?? 0);
  await measure("report acknowledged", acknowledge);
  stock.reserve(PRODUCT, [{ claim: "clm_e", orderId: "o", quantity: 1, stores: [], only: false }], 1_000);
  now += 12_000;
  answers = [{ claim: "clm_e", version: 1, state: { sto_1: { keep: 1, shipped: 0 } }, askAt: null }];
  await measure("a hold asks, and lives", () => stock.alarm());
  acknowledge();
  await measure("alarm with nothing to do", () => stock.alarm());

  stock = wake();
  await measure("held, woken", () => reserve(["clm_f"]));
  stock = wake();
  await measure("short, woken", () => reserve(["clm_g"], 10 * stored + 10_000));
  await measure("held, with news for the projection", () =>
    reserve(["clm_h"], 1, { arrived: null, claims: [] }),
  );
  const { epoch, version } = news ?? { epoch: 0, version: 0 };
  now += 10_000;
  const arrived = { productId: PRODUCT, epoch, version };
  await measure("held, told what has arrived", () => reserve(["clm_i"], 1, { arrived, claims: [] }));
  const placed = { claim: "clm_h", version: 1, state: { sto_2: { keep: 1, shipped: 0 } }, askAt: null };
  await measure("held, told what was placed", () =>
    reserve(["clm_j"], 1, { arrived: null, claims: [placed] }),
  );
}
