import { fold } from "./fold.ts";

/** `0` and how many digits follow, as one character that comes before all letters. */
const LENGTHS = "0123456789:;<=>?@";

/** A key is no longer than this: what differs only beyond it is sorted by something else. */
const MAX_LETTERS = 100;

/**
 * A key by which texts stand where people look for them, compared byte by byte as SQLite does: Äpfel under A, éclair under
 * E, `item 9` before `item 10`. A number begins with how many digits it has. Of text without any word the key is the text.
 */
export function sortKey(text: string): string {
  const words = fold(text).match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  if (words.length === 0) return [...text.normalize("NFC")].slice(0, MAX_LETTERS).join("");
  return [...words.join(" ").replaceAll(/[0-9]+/g, number)].slice(0, MAX_LETTERS).join("");
}

function number(digits: string): string {
  const plain = digits.replace(/^0+(?=.)/, "");
  return (LENGTHS[Math.min(plain.length, LENGTHS.length - 1)] ?? "") + plain;
}
