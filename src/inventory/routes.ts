import { createRouter } from "../platform/http.ts";

export const inventoryRoutes = createRouter();
