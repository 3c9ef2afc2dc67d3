/** In a table of wrong values: the field is not there at all. */
export const MISSING = Symbol("missing");

export const long = (length: number) => "x".repeat(length);
export const NOT_TEXT = [7, true, null, [], {}];
export const NO_TEXT = [...NOT_TEXT, MISSING, "", "  "];
export const NOT_A_FLAG = [0, 1, "true", null, []];
export const NOT_A_COUNT = [-1, 1.5, 1e300, "2", null, true, [], {}];
export const NO_QUANTITY = [...NOT_A_COUNT, 0, 1e9, 1_000_001, "", "1e3", MISSING];
