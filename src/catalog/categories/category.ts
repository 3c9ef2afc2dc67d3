import { isoStamp } from "../../platform/clock.ts";
import type { Category } from "./schemas.ts";

/** A row of `categories`. */
export interface CategoryRow {
  id: string;
  name: string;
  description: string;
  version: number;
  /** Milliseconds. */
  created_at: number;
  updated_at: number;
}

export const renderCategory = (row: CategoryRow): Category => ({
  id: row.id,
  name: row.name,
  description: row.description,
  created_at: isoStamp(row.created_at),
  updated_at: isoStamp(row.updated_at),
  version: row.version,
});
