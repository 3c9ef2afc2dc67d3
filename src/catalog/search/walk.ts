import type { Cursor, PageQuery } from "../../platform/pagination.ts";
import { decodeCursor, pageWindow } from "../../platform/pagination.ts";
import { allOf, type Sql, sql, trusted } from "../../platform/sql.ts";
import { countOf } from "./count.ts";
import {
  type DocumentQuery,
  documentConditions,
  documentsBy,
  type Found,
  inThatStore,
  orderOf,
  type Sort,
} from "./documents.ts";

/** A search by a column of the documents. */
export type SortedSearch = DocumentQuery & PageQuery & { sort: Exclude<Sort, "relevance"> };

/**
 * Goes along the index of the order and stops when the page is full. Reads no more than the page where all that is asked
 * for is in that index; else also what it passes by.
 * @param limit the page's unless given
 */
export function walk(search: SortedSearch & { words: null }, limit?: Sql): Found {
  const { name, column, direction } = orderOf(search.sort);
  const window = pageWindow(search);
  const conditions = [...documentConditions(search), ...inThatStore(search), ...pastCursor(search)];
  return {
    ctes: [],
    page: sql`SELECT documents.product_id, ${column} AS key FROM ${documentsBy(search, name)}
      WHERE ${allOf(conditions)}
      ORDER BY ${column} ${direction}, documents.product_id ${direction}
      LIMIT ${limit ?? window.limit} OFFSET ${window.offset}`,
    order: sql`page.key ${direction}, page.product_id ${direction}`,
    counted: countOf(search),
  };
}

/** Past the place where the page before ended. */
export function pastCursor(search: SortedSearch): Sql[] {
  const cursor: Cursor | null = search.cursor === undefined ? null : decodeCursor(search.cursor);
  if (!cursor) return [];
  const { column, isDescending } = orderOf(search.sort);
  const beyond = trusted(isDescending ? "<" : ">");
  return [sql`(${column}, documents.product_id) ${beyond} (${cursor.key}, ${cursor.id})`];
}
