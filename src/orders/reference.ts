/** Characters of a reference after `ORD-`: src/platform/ids.ts draws ten of them. */
const BEGINNING = /^[0-9A-HJKMNP-TV-Z]{1,10}$/;
const COMPLETE_LENGTH = 10;

/**
 * The reference, or its beginning, that somebody means who reads it off a screen: in small letters, with blanks and dashes
 * anywhere, behind a `#`, without `ORD-`, with letters for the digits that look like them. Null where it can be none.
 */
export function readReference(text: string): string | null {
  const plain = text.toUpperCase().replaceAll(/[\s#\p{Pd}]/gu, "");
  const letters = plain.replace(/^ORD/, "").replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  return BEGINNING.test(letters) ? `ORD-${letters}` : null;
}

/** Whether a text that does not begin with `ORD` can be a reference and neither a name nor a number. */
export const looksLikeReference = (text: string): boolean =>
  /^\s*#?\s*ORD/i.test(text) ||
  (/\d/.test(text) && /[a-z]/i.test(text)) ||
  readReference(text)?.length === "ORD-".length + COMPLETE_LENGTH;

/**
 * The references that a text may mean, whole or by how they begin: as the shop itself draws them, and as the text stands,
 * since orders that came from elsewhere may have others.
 */
export function referencesOf(text: string): string[] {
  const plain = text.toUpperCase().replaceAll(/[\s#]/g, "");
  const own = looksLikeReference(text) ? readReference(text) : null;
  const all = [own, /^[0-9A-Z-]+$/.test(plain) ? plain : null];
  return [...new Set(all.filter((one) => one !== null))];
}
