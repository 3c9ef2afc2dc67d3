import { z } from "@hono/zod-openapi";

/** Of any length: what is not an id of ours names nothing, and is answered 404 like any other that is not there. */
export const pathId = (example: string) =>
  z.object({ id: z.string().openapi({ param: { name: "id", in: "path" }, example }) });
