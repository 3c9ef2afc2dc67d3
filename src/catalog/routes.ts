import { createRouter } from "../platform/http.ts";
import type { StockPort } from "./stock-port.ts";

export function catalogRoutes(_stock: StockPort) {
  return createRouter();
}
