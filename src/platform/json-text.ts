const QUOTE = 0x22;
const BACKSLASH = 0x5c;

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
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > limit) return true;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
  return false;
}

/** Valid UTF-8 can hold these characters only as escapes. This quick search saves parsing nearly all texts. */
const SUSPICIOUS = /\\u(?:0000|d[89a-f])/i;

/**
 * The dotted path of the first string that D1 would change: SQLite's functions stop at U+0000, and half of a surrogate
 * pair becomes U+FFFD. Null when there is none, or when the text is not JSON.
 */
export function findUnstorableText(text: string): string | null {
  if (!SUSPICIOUS.test(text)) return null;
  try {
    return pathOfText(JSON.parse(text), isUnstorable)?.join(".") ?? null;
  } catch {
    return null;
  }
}

/** A text as D1 and a JSON body can carry it, and no longer than `length`: for what others wrote, such as an error's message. */
export const storableText = (text: string, length: number): string =>
  text.slice(0, length).replaceAll("\0", "\ufffd").toWellFormed();

const isUnstorable = (text: string): boolean => text.includes("\0") || !text.isWellFormed();

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
