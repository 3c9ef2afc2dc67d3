/** One search: a property of a model, in a scene or with a fault planted. */
export interface Row {
  model: "placing" | "payment" | "fulfilment" | "cart" | "restore" | "desk";
  /** The name of a formula in the model, or `comes_to_rest`: no run goes on for ever. */
  property: string;
  flags: string[];
  /** What the flags change besides the scene; null where nothing is wrong. */
  fault: string | null;
  expected: "holds" | "fails";
}

/** The scenes that all properties of a model are checked in. */
const SCENES: [model: Row["model"], flags: string[], properties: string[]][] = [
  ["placing", [], ["living_is_held", "sold_once", "one_order", "calm_holds", "calm_key", "comes_to_rest"]],
  ["placing", ["PLENTY"], ["enough_places"]],
  ["placing", ["DOUBLE"], ["one_order"]],
  ...[["RIVAL", "CANCEL"], ["RIVAL", "TWICE"], ["DEAD_LETTERS"]].map((flags): (typeof SCENES)[number] => [
    "payment",
    flags,
    [
      "living_is_held",
      "sold_once",
      "never_neither",
      "never_both",
      "confirmed_is_paid",
      "in_time_is_paid",
      "calm_holds",
      "calm_events",
      "calm_deadline",
      "enough_revives",
      "comes_to_rest",
    ],
  ]),
  [
    "fulfilment",
    [],
    [
      "living_is_held",
      "levels",
      "never_unshipped",
      "sold_once",
      "ship_or_cancel",
      "calm_levels",
      "comes_to_rest",
    ],
  ],
  [
    "fulfilment",
    ["MONEY"],
    ["ship_or_cancel", "never_more_back", "back_once", "calm_money", "calm_refunds", "comes_to_rest"],
  ],
  ...[[], ["TABS"], ["LAST_UNIT"], ["SIGN_IN"]].map((flags): (typeof SCENES)[number] => [
    "cart",
    flags,
    [
      "one_living",
      "as_read",
      "spent_stays",
      "living_is_held",
      "sold_once",
      "calm_holds",
      "calm_orderable",
      "calm_paid",
      "comes_to_rest",
    ],
  ]),
  [
    "restore",
    [],
    ["living_is_held", "sold_once", "one_living", "calm_holds", "calm_repaired", "comes_to_rest"],
  ],
  [
    "restore",
    ["OPERATORS"],
    ["living_is_held", "sold_once", "one_living", "calm_holds", "calm_repaired", "comes_to_rest"],
  ],
  [
    "desk",
    [],
    [
      "living_is_held",
      "sold_once",
      "one_order",
      "told_true",
      "known",
      "undisturbed",
      "enough_places",
      "calm_holds",
      "calm_told",
      "calm_key",
      "comes_to_rest",
    ],
  ],
  [
    "desk",
    ["FAILS"],
    ["living_is_held", "one_order", "told_true", "undisturbed", "calm_holds", "calm_told", "calm_key"],
  ],
  ["desk", ["FAILS_TWICE"], ["one_order", "told_true"]],
  ["desk", ["LAST_UNIT"], ["living_is_held", "sold_once", "told_true", "calm_holds"]],
  ["desk", ["LAST_UNIT", "FAILS"], ["sold_once", "told_true"]],
  ["desk", ["SPOILS"], ["told_true", "known", "enough_places", "calm_holds", "calm_told", "comes_to_rest"]],
  ["desk", ["SPOILS", "FAILS"], ["told_true"]],
  ["desk", ["TABS"], ["living_is_held", "one_living", "told_true", "undisturbed", "calm_told", "calm_key"]],
  [
    "desk",
    ["TWINS"],
    ["living_is_held", "one_living", "told_true", "undisturbed", "enough_places", "calm_told", "calm_key"],
  ],
  ["desk", ["TWINS", "FAILS"], ["told_true"]],
];

/** Each breaks the property beside it; what it takes out is told at the head of its model. */
const FAULTS: [model: Row["model"], fault: string, scene: string[], property: string][] = [
  ["placing", "RELEASE_FIRST", [], "living_is_held"],
  ["placing", "NO_FENCE", [], "living_is_held"],
  ["placing", "RELEASE_BY_DELTA", [], "sold_once"],
  ["placing", "RENEW_BLIND", ["DOUBLE"], "one_order"],
  ["placing", "DROP_DEADLINE", [], "calm_holds"],
  ["placing", "NO_RENEWAL", [], "calm_key"],
  ["placing", "HASTY", ["PLENTY"], "enough_places"],
  ["placing", "SHOVE", [], "comes_to_rest"],

  ["payment", "NO_FENCE", [], "living_is_held"],
  ["payment", "SAME_CLAIM", [], "living_is_held"],
  ["payment", "NAMED_EARLY", [], "living_is_held"],
  ["payment", "NO_STAMP", ["DEAD_LETTERS"], "living_is_held"],
  ["payment", "RELEASE_BY_DELTA", [], "sold_once"],
  ["payment", "MARK_FIRST", [], "never_neither"],
  ["payment", "REFUND_APART", ["CANCEL"], "never_neither"],
  ["payment", "CANCEL_OWES_NOTHING", ["CANCEL"], "never_neither"],
  ["payment", "NO_STAMP", ["CANCEL"], "never_neither"],
  ["payment", "SECOND_IS_DONE", ["TWICE"], "never_neither"],
  ["payment", "MESSAGE_IS_PAYMENT", [], "never_both"],
  ["payment", "FAILED_UNPAYS", ["TWICE"], "confirmed_is_paid"],
  ["payment", "EXPIRES_ANYWAY", [], "in_time_is_paid"],
  ["payment", "ASKS_ONCE", [], "calm_holds"],
  ["payment", "NO_SWEEP", [], "calm_events"],
  ["payment", "DEAD_WAITS", ["DEAD_LETTERS"], "calm_deadline"],
  ["payment", "HASTY", [], "enough_revives"],
  ["payment", "STALE_LET_GO", [], "enough_revives"],
  ["payment", "ABANDONED_REFUNDS", [], "enough_revives"],
  ["payment", "CLAIM_PER_EVENT", ["TWICE"], "enough_revives"],
  ["payment", "NO_NEXT_CLAIM", [], "comes_to_rest"],

  ["fulfilment", "FOLLOW_FIRST", [], "living_is_held"],
  ["fulfilment", "ANY_ORDER", [], "never_unshipped"],
  ["fulfilment", "BY_DELTA", [], "levels"],
  ["fulfilment", "BY_DELTA", [], "sold_once"],
  ["fulfilment", "NO_STAMP", [], "ship_or_cancel"],
  ["fulfilment", "ASKS_ONCE", [], "calm_levels"],
  ["fulfilment", "SPINS", [], "comes_to_rest"],
  ["fulfilment", "REFUND_IS_NO_CHANGE", ["MONEY"], "never_more_back"],
  ["fulfilment", "FRESH_KEY", ["MONEY"], "back_once"],
  ["fulfilment", "CANCEL_OWES_NOTHING", ["MONEY"], "calm_money"],
  ["fulfilment", "CLOSE_OWES_NOTHING", ["MONEY"], "calm_money"],
  ["fulfilment", "SETTLED_FIRST", ["MONEY"], "calm_refunds"],

  ["cart", "SPENT_TWICE", [], "one_living"],
  ["cart", "REVIVES_ANYWAY", [], "one_living"],
  ["cart", "REVIVED_IS_DEAD", [], "one_living"],
  ["cart", "MERGE_IN_PLACE", ["SIGN_IN"], "one_living"],
  ["cart", "ORDERS_STAY", ["SIGN_IN"], "one_living"],
  ["cart", "ANY_VERSION", [], "as_read"],
  ["cart", "PUT_ANYWAY", [], "spent_stays"],
  ["cart", "NO_FATE", ["TABS"], "living_is_held"],
  ["cart", "NO_FENCE", [], "living_is_held"],
  ["cart", "RELEASE_BY_DELTA", [], "sold_once"],
  ["cart", "DROP_DEADLINE", [], "calm_holds"],
  ["cart", "STAYS_SPENT", [], "calm_orderable"],
  ["cart", "ONE_GENERATION", [], "calm_orderable"],
  ["cart", "REFUND_FORGOTTEN", [], "calm_paid"],
  ["cart", "STUBBORN", [], "comes_to_rest"],

  ["restore", "NO_GENERATION", [], "living_is_held"],
  ["restore", "OBEYS_THE_DEAD", [], "living_is_held"],
  ["restore", "OLD_ANSWER", [], "living_is_held"],
  ["restore", "HALF_LOADED", [], "sold_once"],
  ["restore", "EMPTIES_LATE", ["OPERATORS"], "living_is_held"],
  ["restore", "PUTS_BACK_LATE", ["OPERATORS"], "living_is_held"],
  ["restore", "LOADS_LATE", ["OPERATORS"], "living_is_held"],
  ["restore", "OPENS_LATE", ["OPERATORS"], "living_is_held"],

  ["desk", "LETS_GO_FIRST", [], "living_is_held"],
  ["desk", "NO_FENCE", [], "living_is_held"],
  ["desk", "RELEASE_BY_DELTA", [], "sold_once"],
  ["desk", "FRESH_AT_ONCE", [], "one_order"],
  ["desk", "DISOBEYS", [], "one_order"],
  ["desk", "OVERWRITES", [], "one_order"],
  ["desk", "TABS_TOGETHER", ["TABS"], "one_living"],
  ["desk", "OWN_CART_SPENT", ["TABS"], "told_true"],
  ["desk", "ANSWERS_UNREAD", ["SPOILS"], "told_true"],
  ["desk", "GIVES_UP_AS_SENT", ["FAILS"], "told_true"],
  ["desk", "STAMP_OF_DRAFT", ["FAILS"], "told_true"],
  ["desk", "UNKNOWN_AT_ONCE", [], "known"],
  ["desk", "TWINS_TOGETHER", ["TWINS"], "undisturbed"],
  ["desk", "SENT_AGAIN", ["FAILS"], "undisturbed"],
  ["desk", "NO_HALVES", ["SPOILS"], "enough_places"],
  ["desk", "HASTY", [], "enough_places"],
  ["desk", "SAME_CLAIM", [], "enough_places"],
  ["desk", "NO_TOMBSTONE", [], "enough_places"],
  ["desk", "ASKS_ONCE", [], "calm_holds"],
  ["desk", "WAITS", [], "calm_told"],
  ["desk", "NO_RENEWAL", [], "calm_key"],
  ["desk", "SENT_FOR_EVER", ["SPOILS"], "comes_to_rest"],
];

/** "When calm" says nothing of a model that is never calm: that it never is must fail in every scene. */
const CALM = SCENES.map(
  ([model, flags]): Row => ({
    model,
    property: "never_calm",
    flags,
    fault: null,
    expected: "fails",
  }),
);

export const ROWS: Row[] = [
  ...SCENES.flatMap(([model, flags, properties]) =>
    properties.map((property): Row => ({ model, property, flags, fault: null, expected: "holds" })),
  ),
  ...CALM,
  ...FAULTS.map(
    ([model, fault, scene, property]): Row => ({
      model,
      property,
      flags: [...scene, fault],
      fault,
      expected: "fails",
    }),
  ),
];
