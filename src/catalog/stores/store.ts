import { isoStamp } from "../../platform/clock.ts";
import type { Store } from "./schemas.ts";

/** A row of `stores`. */
export interface StoreRow {
  id: string;
  name: string;
  address: string;
  country: string;
  priority: number;
  version: number;
  /** Milliseconds. */
  created_at: number;
  updated_at: number;
}

export const renderStore = (row: StoreRow): Store => ({
  id: row.id,
  name: row.name,
  address: row.address,
  country: row.country,
  priority: row.priority,
  created_at: isoStamp(row.created_at),
  updated_at: isoStamp(row.updated_at),
  version: row.version,
});
