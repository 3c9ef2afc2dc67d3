import { createRouter } from "../../platform/http.ts";

export const reconcileRoutes = createRouter();
