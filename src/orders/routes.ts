import { createRouter } from "../platform/http.ts";

export const ordersRoutes = createRouter();
