import { z } from "@hono/zod-openapi";

/** One value in a query or several, with commas between: what has any of them is meant. Each is given once. */
export const anyOf = <T extends string>(values: readonly T[]) =>
  z
    .string()
    .transform((text, context): T[] => {
      const named = text.split(",").map((part) => part.trim());
      const known = values.filter((value) => named.includes(value));
      if (named.every((name) => (values as readonly string[]).includes(name))) return known;
      const message = `must be one or more of ${values.join(", ")}, with commas between`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    })
    .openapi({
      param: { explode: false },
      type: "array",
      items: { type: "string", enum: [...values] },
      description: "One, or several with commas between",
    });
