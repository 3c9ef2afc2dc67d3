import { createRouter } from "../platform/http.ts";

export const accountsRoutes = createRouter();
