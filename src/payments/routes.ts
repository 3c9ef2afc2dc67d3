import { createRouter } from "../platform/http.ts";

export const paymentsRoutes = createRouter();
