import { z } from "@hono/zod-openapi";

/** Text as people write it, trimmed. What SQLite would cut (NUL) or mangle (half a surrogate pair) is refused. */
export const textField = (min: number, max: number) =>
  z
    .string()
    .trim()
    .min(min)
    .max(max)
    .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed text without NUL");
