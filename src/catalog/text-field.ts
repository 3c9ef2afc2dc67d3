import { z } from "@hono/zod-openapi";

/** Text as people write it, trimmed. What SQLite would cut or mangle never gets this far: see platform/body-guard.ts. */
export const textField = (min: number, max: number) => z.string().trim().min(min).max(max);
