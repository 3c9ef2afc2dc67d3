import fc from "fast-check";
import type { Step } from "./stock-run.ts";

const is = <T extends string>(value: T) => fc.constant(value);
const store = fc.constantFrom("sto_a", "sto_b", "sto_c");
const claim = fc.constantFrom("clm_0", "clm_1", "clm_2", "clm_3");
const operation = fc.constantFrom("op_0", "op_1", "op_2", "op_3", "op_4", "op_5", "op_6");
const few = fc.integer({ min: 1, max: 6 });

const request = fc.record({
  claim,
  quantity: few,
  stores: fc.shuffledSubarray(["sto_a", "sto_b", "sto_c", "sto_unknown"]),
  only: fc.boolean(),
});
const requests = fc.array(request, { minLength: 1, maxLength: 3 });
const state = fc.dictionary(store, fc.record({ keep: fc.nat(3), shipped: fc.nat(3) }), { maxKeys: 2 });
const type = fc.constantFrom("add", "remove", "set", "receive", "damage", "return");

/** Any step, those that matter more often. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: is("reserve"), requests, carries: fc.boolean(), tells: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: is("decide"),
      claim,
      what: fc.constantFrom("place", "die", "ship", "cancel"),
      units: few,
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: is("follow"), claim, back: fc.nat(2), carries: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: is("lie"), claim, version: few, state }) },
  { weight: 3, arbitrary: fc.record({ do: is("adjust"), operation, store, type, quantity: few }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: is("transfer"), operation, from: store, to: store, quantity: few }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: is("open"),
      levels: fc.array(fc.record({ store_id: store, quantity: fc.nat(9) }), { maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: is("alarm"),
      later: fc.constantFrom(0, 1_000, 31_000, 61_000, 3_700_000),
      fates: fc.constantFrom("all", "some", "none", "throw", "die"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: is("record") }) },
  { weight: 2, arbitrary: fc.record({ do: is("acknowledge") }) },
  { weight: 2, arbitrary: fc.record({ do: is("evict") }) },
  { weight: 2, arbitrary: fc.record({ do: is("fail"), after: fc.nat(12), requests, carries: fc.boolean() }) },
);
