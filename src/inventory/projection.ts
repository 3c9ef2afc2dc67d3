import type { Context } from "../platform/context.ts";
import type { StockReport } from "./stock-types.ts";

/** Applies the reports of many objects in one batch, then tells each object how far the projection has come. */
export async function applyReports(_context: Context, _reports: StockReport[]): Promise<void> {}
