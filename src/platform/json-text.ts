const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Whether the brackets of a JSON text nest more than `limit` deep. It does not recurse, so no input exhausts the stack. */
export function nestsDeeper(bytes: Uint8Array, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (inString) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (++depth > limit) return true;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      depth--;
    }
  }
  return false;
}

/** Valid UTF-8 can hold these characters only as escapes. This quick search saves parsing nearly all texts. */
const SUSPICIOUS = /\\u(?:0000|d[89a-f])/i;

/**
 * The dotted path of the first string, or name, that D1 would change: SQLite's functions stop at U+0000, and half of a
 * surrogate pair becomes U+FFFD. Null when there is none. It reads the text once and keeps nothing of it but where it is,
 * since anybody may send megabytes. Of what is not JSON it may say either.
 */
export function findUnstorableText(text: string): string | null {
  if (!SUSPICIOUS.test(text)) return null;
  /** By depth: the index in an array; in an object -1. */
  const indexes: number[] = [];
  /** By depth: where the name of an object's part begins. */
  const names: number[] = [];
  let isName = false;
  for (let at = 0; at < text.length; at++) {
    const depth = indexes.length - 1;
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        if (isName) names[depth] = at;
        const end = endOfText(text, at + 1);
        if (end < 0) return pathTo(text, indexes, names, isName).join(".");
        isName = false;
        at = end;
        break;
      }
      case OPEN_OBJECT:
        indexes.push(-1);
        isName = true;
        break;
      case OPEN_ARRAY:
        indexes.push(0);
        isName = false;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        indexes.pop();
        isName = false;
        break;
      case COMMA:
        isName = indexes[depth] === -1;
        if (!isName && depth >= 0) indexes[depth] = (indexes[depth] ?? 0) + 1;
        break;
    }
  }
  return null;
}

/** Where the closing quote of the string is that begins at `at`; -1 if it is unstorable. */
function endOfText(text: string, at: number): number {
  let halfPair = false;
  let index = at;
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) break;
    const unit = code === BACKSLASH ? escapedUnit(text, index) : null;
    const isLow = unit !== null && unit >= 0xdc00 && unit <= 0xdfff;
    if (unit === 0 || isLow !== halfPair) return -1;
    halfPair = unit !== null && unit >= 0xd800 && unit <= 0xdbff;
    if (code === BACKSLASH) index += unit === null ? 1 : 5;
  }
  return halfPair ? -1 : index;
}

/** The unit of UTF-16 that `\uXXXX` at `at` stands for; null of another escape. */
function escapedUnit(text: string, at: number): number | null {
  if (text.charCodeAt(at + 1) !== 0x75) return null;
  let unit = 0;
  for (let index = at + 2; index < at + 6; index++) {
    const digit = hexDigit(text.charCodeAt(index));
    if (digit < 0) return null;
    unit = unit * 16 + digit;
  }
  return unit;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** @param wrongName whether the last name is what is wrong: it is then made well-formed */
function pathTo(text: string, indexes: number[], names: number[], wrongName: boolean): string[] {
  return indexes.map((index, depth) => {
    if (index >= 0) return String(index);
    const name = nameAt(text, names[depth] ?? 0);
    return wrongName && depth === indexes.length - 1 ? name.toWellFormed() : name;
  });
}

function nameAt(text: string, quote: number): string {
  let end = quote + 1;
  while (end < text.length && text.charCodeAt(end) !== QUOTE)
    end += text.charCodeAt(end) === BACKSLASH ? 2 : 1;
  try {
    return JSON.parse(text.slice(quote, end + 1));
  } catch {
    return text.slice(quote + 1, end);
  }
}

/** A text as D1 and a JSON body can carry it, and no longer than `length`: for what others wrote, such as an error's message. */
export const storableText = (text: string, length: number): string =>
  text.slice(0, length).replaceAll("\0", "\ufffd").toWellFormed();

/** The path of the first string in what was JSON, or of the first name, that is wrong; null when none is. */
export function pathOfText(
  value: unknown,
  isWrong: (text: string) => boolean,
  path: string[] = [],
): string[] | null {
  if (typeof value === "string") return isWrong(value) ? path : null;
  if (typeof value !== "object" || value === null) return null;
  for (const [key, part] of Object.entries(value)) {
    const found = isWrong(key) ? [...path, key.toWellFormed()] : pathOfText(part, isWrong, [...path, key]);
    if (found !== null) return found;
  }
  return null;
}
