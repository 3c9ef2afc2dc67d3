import { fold } from "../../platform/text/fold.ts";
import { nameKey } from "../../platform/text/name-key.ts";
import { sortKey } from "../../platform/text/sort-key.ts";
import { indexed } from "./spelling.ts";

/** What the Worker writes beside the texts of a product, since SQLite can fold only A to Z. */
export interface FoldedProduct {
  /** What the index has of the title; null where FTS5 makes the same of the title itself. */
  title_words: string | null;
  description_words: string | null;
  /** The sku by its letters and digits alone. */
  sku_key: string;
  /** By which lists are sorted. */
  title_key: string;
}

export const foldProduct = (product: { sku: string; title: string; description: string }): FoldedProduct => ({
  title_words: wordsUnlessPlain(product.title),
  description_words: wordsUnlessPlain(product.description),
  sku_key: skuKey(product.sku),
  title_key: sortKey(product.title),
});

/** What the Worker writes beside a category's or a store's name. */
export const foldName = (name: string): { name_key: string; name_words: string | null } => ({
  name_key: nameKey(name),
  name_words: wordsUnlessPlain(name),
});

/** A sku, case and dashes aside. Empty where it has neither letters nor digits. */
export const skuKey = (sku: string): string => (fold(sku).match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).join("");

/**
 * Text of which FTS5 makes the same words as the fold: ASCII, the letters of Western Europe whose marks it takes off, and
 * signs between words. Most texts of most shops are plain, and are not stored twice.
 */
const PLAIN =
  /^[\p{ASCII}\u00a0\u00a1\u00a7\u00ab\u00ae\u00b0\u00b7\u00bb\u00bfÀ-ÅÇ-ÏÑ-ÖÙ-Ýà-åç-ïñ-öù-ýÿ\u2010-\u2027\u2030\u20ac]*$/u;

function wordsUnlessPlain(text: string): string | null {
  const words = indexed(text);
  const isPlain =
    PLAIN.test(text) && words === (text.match(/[0-9A-Za-z\u00c0-\u00ff]+/g) ?? []).map(fold).join(" ");
  return isPlain ? null : words;
}
