/** In a table of wrong values: the field is not there at all. */
export const MISSING = Symbol("missing");

export const long = (length: number) => "x".repeat(length);
export const NOT_TEXT = [7, true, null, [], {}];
export const NO_TEXT = [...NOT_TEXT, MISSING, "", "  "];
/** No line: nothing that can be seen, several lines, controls, and a joiner that joins nothing. */
export const NOT_A_LINE = ["\u200b", "a\nb", "a\u0007b", "ab\u200d"];
export const NO_LINE = [...NO_TEXT, ...NOT_A_LINE];
/** Not even in several lines. */
export const CONTROLS = ["a\u0007b", "a\u009fb"];
export const NOT_A_FLAG = [0, 1, "true", null, []];
export const NOT_A_COUNT = [-1, 1.5, 1e300, "2", null, true, [], {}];
export const NO_QUANTITY = [...NOT_A_COUNT, 0, 1e9, 1_000_001, "", "1e3", MISSING];
