import { createRouter } from "../../platform/http.ts";

/** Dead letters, and the work owed. */
export const tasksRoutes = createRouter();
