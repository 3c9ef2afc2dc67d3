import type { Chance } from "../support/chance.ts";

/** Values that somebody sends who wishes the shop ill, or whose program is broken. */
const HOSTILE: unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -0,
    -1,
    1.5,
    1e308,
    9_007_199_254_740_992,
    "",
    " ",
    "\u0000",
    "\ud800",
    "a\u202eb",
  ],
  ...[
    "'; DROP TABLE orders; --",
    '" OR 1=1',
    "../../etc/passwd",
    "%00",
    "{{7*7}}",
    "<script>alert(1)</script>",
  ],
  ...["NaN", "-1", "1e9", "null", "true", "2026-13-45", "9999999999999999", "€", "𝟏𝟐", "é".repeat(300)],
  "x".repeat(20_000),
  [],
  {},
  [[[[[[[[]]]]]]]],
  [null],
  { __proto__: null, constructor: { prototype: { polluted: true } } },
  JSON.parse('{"__proto__": {"polluted": true}}'),
  { toString: "x", length: -1 },
  Array.from({ length: 600 }, (_, n) => n),
];

export const hostile = (chance: Chance): unknown => chance.pick(HOSTILE);

export const hostileText = (chance: Chance): string => {
  const value = hostile(chance);
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
};

/** The same JSON with one of its parts replaced, taken out, doubled or joined by a stranger. */
export function spoilt(chance: Chance, value: unknown): unknown {
  if (typeof value !== "object" || value === null || chance.below(3) === 0) return hostile(chance);
  const entries = Object.entries(value);
  if (Array.isArray(value)) {
    const items = [...value];
    if (items.length === 0) return [hostile(chance)];
    const at = chance.below(items.length);
    if (chance.below(3) === 0) return [...items, ...items];
    items[at] = spoilt(chance, items[at]);
    return items;
  }
  if (entries.length === 0 || chance.below(6) === 0)
    return {
      ...value,
      [chance.pick(["__proto__x", "constructor", "id", "unheard_of", ""])]: hostile(chance),
    };
  const [name] = chance.pick(entries);
  const others = Object.fromEntries(entries.filter(([other]) => other !== name));
  return chance.below(4) === 0
    ? others
    : { ...others, [name]: spoilt(chance, (value as Record<string, unknown>)[name]) };
}
