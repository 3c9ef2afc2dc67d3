import type { Cursor, PageQuery } from "../../platform/pagination.ts";
import { decodeCursor, pageWindow } from "../../platform/pagination.ts";
import {
  asksOneStore,
  type DocumentQuery,
  documentConditions,
  documentsBy,
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
 * @param besides what else must hold of each document; `limit`, in SQL, is the page's unless given
 * @returns a SELECT of `product_id` and its sort `key`, in order
 */
export function walk(
  search: SortedSearch,
  parameters: Parameters,
  { besides = [], limit }: { besides?: string[]; limit?: string } = {},
): string {
  const { column, direction } = orderOf(search.sort);
  const window = pageWindow(search);
  const conditions = [
    ...documentConditions(search, parameters),
    ...(asksOneStore(search) ? [inThatStore(search, parameters)] : []),
    ...pastCursor(search, parameters),
    ...besides,
  ];
  return `SELECT documents.product_id, documents.${column} AS key FROM ${documentsBy(search, column)}
    WHERE ${conditions.join(" AND ")}
    ORDER BY documents.${column} ${direction}, documents.product_id ${direction}
    LIMIT ${limit ?? parameters.add(window.limit)} OFFSET ${parameters.add(window.offset)}`;
}

/** Past the place where the page before ended. */
export function pastCursor(search: SortedSearch, parameters: Parameters): string[] {
  const cursor: Cursor | null = search.cursor === undefined ? null : decodeCursor(search.cursor);
  if (!cursor) return [];
  const { column, direction } = orderOf(search.sort);
  const [key, id] = [parameters.add(cursor.key), parameters.add(cursor.id)];
  return [`(documents.${column}, documents.product_id) ${direction === "DESC" ? "<" : ">"} (${key}, ${id})`];
}
