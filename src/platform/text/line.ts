import { z } from "@hono/zod-openapi";
import { pathOfText } from "../json-text.ts";
import type { TextFault } from "../messages.ts";
import { INVISIBLE } from "./fold.ts";

/** Controls, and what breaks a line. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/u;
/** Of several lines: all but their ends and tabs. */
const CONTROLS_IN_LINES = /(?![\n\r\t])\p{Cc}/u;

/** Blanks that are no spaces, and variants of signs. */
const BLANKS = /[\p{White_Space}\u2800]|\u034f|[\ufe00-\ufe0f]/gu;

const ZERO_WIDTH = "[\\u200b-\\u200d\\u2060\\ufeff]";
const JOINABLE = "[\\p{L}\\p{M}\\p{N}\\p{Extended_Pictographic}\\p{Emoji_Modifier}]";
/** After the sign that takes a consonant its vowel, a joiner also ends words: Malayalam and Bengali are typed so. */
const VIRAMA = "[\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d4d\\u0dca]";
/** What is not between two that it joins or parts, as in Persian words, in those of India and in emoji. */
const LONE = new RegExp(`(?<!${JOINABLE})${ZERO_WIDTH}|(?<!${VIRAMA})${ZERO_WIDTH}(?!${JOINABLE})`, "u");

function faultOfLine(text: string): TextFault | null {
  if (CONTROLS.test(text)) return "controls";
  if (text !== "" && text.replaceAll(INVISIBLE, "").replaceAll(BLANKS, "") === "") return "unseen";
  return LONE.test(text) ? "lone_zero_width" : null;
}

const faultOfLines = (text: string): TextFault | null =>
  CONTROLS_IN_LINES.test(text) ? "controls_in_lines" : null;

const CODE = "invalid_characters";

const checkedBy =
  (faultOf: (text: string) => TextFault | null) =>
  (text: string, context: z.RefinementCtx): void => {
    const fault = faultOf(text);
    if (fault !== null) context.addIssue({ code: "custom", params: { code: CODE, fault } });
  };

/** A text of one line in a request: a name, a sku, a reason. Blanks around it are nothing. */
export const line = (maximum: number, text: z.ZodString = z.string().trim()) =>
  text.min(1).max(maximum).superRefine(checkedBy(faultOfLine));

/** A text that may have several lines. */
export const lines = (maximum: number, text: z.ZodString = z.string()) =>
  text.max(maximum).superRefine(checkedBy(faultOfLines));

/** For an object of the client's own: each text in it, and each name, is as `lines` would have it. */
export function checkTexts(value: unknown, context: z.RefinementCtx): void {
  const path = pathOfText(value, (text) => faultOfLines(text) !== null);
  if (path !== null) {
    context.addIssue({ code: "custom", path, params: { code: CODE, fault: "controls_in_lines" } });
  }
}
