import type { Cursor, PageQuery } from "../../platform/pagination.ts";
import { decodeCursor, pageWindow } from "../../platform/pagination.ts";
import { countOf } from "./count.ts";
import {
  asksOneStore,
  type DocumentQuery,
  documentConditions,
  documentsBy,
  type Found,
  inThatStore,
  orderOf,
  type Parameters,
  type Sort,
} from "./documents.ts";

/** A search by a column of the documents. */
export type SortedSearch = DocumentQuery & PageQuery & { sort: Exclude<Sort, "relevance"> };

/**
 * Goes along the index of the order and stops when the page is full. Reads no more than the page where all that is asked
 * for is in that index; else also what it passes by.
 * @param limit in SQL; the page's unless given
 */
export function walk(search: SortedSearch & { words: null }, parameters: Parameters, limit?: string): Found {
  const { column, direction } = orderOf(search.sort);
  const window = pageWindow(search);
  const conditions = [
    ...documentConditions(search, parameters),
    ...(asksOneStore(search) ? [inThatStore(search, parameters)] : []),
    ...pastCursor(search, parameters),
  ];
  return {
    ctes: [],
    page: `SELECT documents.product_id, documents.${column} AS key FROM ${documentsBy(search, column)}
      WHERE ${conditions.join(" AND ")}
      ORDER BY documents.${column} ${direction}, documents.product_id ${direction}
      LIMIT ${limit ?? parameters.add(window.limit)} OFFSET ${parameters.add(window.offset)}`,
    order: `page.key ${direction}, page.product_id ${direction}`,
    counted: () => countOf(search, parameters),
  };
}

/** Past the place where the page before ended. */
export function pastCursor(search: SortedSearch, parameters: Parameters): string[] {
  const cursor: Cursor | null = search.cursor === undefined ? null : decodeCursor(search.cursor);
  if (!cursor) return [];
  const { column, direction } = orderOf(search.sort);
  const [key, id] = [parameters.add(cursor.key), parameters.add(cursor.id)];
  return [`(documents.${column}, documents.product_id) ${direction === "DESC" ? "<" : ">"} (${key}, ${id})`];
}
