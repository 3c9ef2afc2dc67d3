import type { Context } from "../platform/context.ts";

/** What the catalogue needs from the room of stock, which is above it. The Worker wires it. */
export interface StockPort {
  /** Exact levels of one product. */
  levels(context: Context, productId: string): Promise<ProductStock>;
  /** Sets opening stock where a store never had any of this product; safe to repeat. */
  open(context: Context, productId: string, levels: { store_id: string; quantity: number }[]): Promise<void>;
}

export interface ProductStock {
  on_hand: number;
  reserved: number;
  available: number;
  stores: { store_id: string; on_hand: number; reserved: number; available: number }[];
}
