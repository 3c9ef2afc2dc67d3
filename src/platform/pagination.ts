import { z } from "@hono/zod-openapi";
import { base64url } from "jose";

/** Lists count their rows up to this number. Beyond it `count` is null, so that the cost does not grow with the table. */
export const COUNT_LIMIT_ROWS = 10_000;
export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 100;

/** The query of every list. */
export const pageQuerySchema = z.strictObject({
  page: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(1)
    .openapi({ description: "From 1; past the end is empty" }),
  page_size: z.coerce
    .number()
    .int()
    .min(1)
    .default(DEFAULT_PAGE_SIZE)
    .transform((size) => Math.min(size, MAX_PAGE_SIZE))
    .openapi({ description: `More than ${MAX_PAGE_SIZE} is capped` }),
  cursor: z
    .string()
    .max(400)
    .optional()
    .openapi({ description: "`next_cursor` of the page before; beats `page`" }),
});

export type PageQuery = z.infer<typeof pageQuerySchema>;

export const listSchema = <S extends z.ZodType>(item: S, name: string) =>
  z
    .object({
      count: z
        .int()
        .nullable()
        .openapi({
          description: `Exact up to ${COUNT_LIMIT_ROWS}; null beyond, under a cursor, and where more must be looked through for it`,
        }),
      page: z.int().nullable(),
      page_size: z.int(),
      total_pages: z.int().nullable(),
      has_next: z.boolean().openapi({
        description: `One request looks through ${COUNT_LIMIT_ROWS} rows for what no index finds: a short page may have a next one too, by its next_cursor`,
      }),
      has_previous: z.boolean(),
      next_cursor: z.string().nullable(),
      results: z.array(item),
    })
    .openapi(name);

export type List<T> = Omit<z.infer<ReturnType<typeof listSchema>>, "results"> & { results: T[] };

/** A place in a list that is ordered by (sort key, id). The next page has the rows after it. */
export interface Cursor {
  key: string | number;
  id: string;
}

export const encodeCursor = ({ key, id }: Cursor): string => base64url.encode(JSON.stringify([key, id]));

/** Null when the text is not one of our cursors. */
export function decodeCursor(text: string): Cursor | null {
  try {
    const parsed = z
      .tuple([z.union([z.string(), z.number()]), z.string()])
      .safeParse(JSON.parse(new TextDecoder().decode(base64url.decode(text))));
    return parsed.success ? { key: parsed.data[0], id: parsed.data[1] } : null;
  } catch {
    return null;
  }
}

/** LIMIT and OFFSET of a page's query. The limit is one row more than the page, to know whether there is a next page. */
export function pageWindow(query: PageQuery): { limit: number; offset: number } {
  return { limit: query.page_size + 1, offset: query.cursor ? 0 : (query.page - 1) * query.page_size };
}

/**
 * Makes the response of a list from the rows that a query found.
 * @param rows up to `page_size + 1`, the limit of `pageWindow`
 * @param counted rows that match, counted up to `COUNT_LIMIT_ROWS + 1`; null under a cursor
 * @param stopped the row at which the query stopped scanning before the page was full; null where it did not
 */
export function toList<Row, T>(
  query: PageQuery,
  rows: Row[],
  counted: number | null,
  cursorOf: (row: Row) => Cursor,
  render: (row: Row) => T,
  stopped: Cursor | null = null,
): List<T> {
  const shown = rows.slice(0, query.page_size);
  const last = shown.at(-1);
  const isFull = rows.length > query.page_size;
  const next = isFull && last !== undefined ? cursorOf(last) : stopped;
  const count = query.cursor || counted === null || counted > COUNT_LIMIT_ROWS ? null : counted;
  return {
    count,
    page: query.cursor ? null : query.page,
    page_size: query.page_size,
    total_pages: count === null ? null : Math.ceil(count / query.page_size),
    has_next: next !== null,
    has_previous: query.cursor !== undefined || query.page > 1,
    next_cursor: next && encodeCursor(next),
    results: shown.map(render),
  };
}
