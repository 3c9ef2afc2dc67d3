import { fold } from "../platform/text/fold.ts";
import type { Customer } from "./order.ts";

/** More words of a name are not found: each is a row that placing writes. */
const MAX_WORDS = 8;
/** More letters of a word, or digits of a number, are not compared. */
const MAX_LETTERS = 40;

/** What the customer of an order is found by: words with spaces between, the number last. Empty where there are none. */
export function customerWords({ name, phone }: Pick<Customer, "name" | "phone">): string {
  const digits = phone === undefined ? "" : backwards(phoneDigits(phone));
  return [...nameWords(name), ...(digits === "" ? [] : [`+${digits}`])].join(" ");
}

/** The words of a name, as the search of products folds them. What an apostrophe joins is one: `O'Brien` is `obrien`. */
export const nameWords = (text: string): string[] =>
  [
    ...new Set(
      (
        fold(text)
          .replaceAll("'", "")
          .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
      ).map(cut),
    ),
  ].slice(0, MAX_WORDS);

/** The digits of a number as people write it, with what stands around it left out: `Tel. +44 (0)20 7946-0958, ext. 5`. */
export function phoneDigits(text: string): string {
  const [number = ""] = /\d[\d\s()./\p{Pd}]*/u.exec(fold(text).replaceAll("(0)", "")) ?? [];
  return cut(number.replaceAll(/\D/g, ""));
}

/** So is a number kept: people leave out how it begins, with or without the code of its country. */
export const backwards = (digits: string): string => [...digits].reverse().join("");

const cut = (word: string): string => [...word].slice(0, MAX_LETTERS).join("");
