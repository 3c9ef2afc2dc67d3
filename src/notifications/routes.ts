import { createRouter } from "../platform/http.ts";

export const notificationsRoutes = createRouter();
