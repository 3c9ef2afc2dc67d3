import type { Context } from "../platform/context.ts";

/** What the catalogue needs of the stock above it: wired in index.ts. */
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
