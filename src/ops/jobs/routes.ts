import { createRouter } from "../../platform/http.ts";

export const jobsRoutes = createRouter();
