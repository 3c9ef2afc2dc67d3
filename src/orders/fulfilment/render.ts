import { isoStamp } from "../../platform/clock.ts";
import type { ReturnWire, ShipmentWire } from "../schemas.ts";
import type { OrderReturn, Shipment } from "./read.ts";

export const renderShipment = ({ id, items, tracking, carrier, createdAt }: Shipment): ShipmentWire => ({
  id,
  items,
  tracking,
  carrier,
  created_at: isoStamp(createdAt),
});

export const renderReturn = ({ id, storeId, items, reason, createdAt }: OrderReturn): ReturnWire => ({
  id,
  store_id: storeId,
  items,
  reason,
  created_at: isoStamp(createdAt),
});
