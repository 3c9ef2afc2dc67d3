import type { Category } from "../../src/catalog/categories/schemas.ts";
import type { BulkReport, Product, ProductHistoryEntry } from "../../src/catalog/products/schemas.ts";
import type { Store } from "../../src/catalog/stores/schemas.ts";
import type { InventoryRow } from "../../src/inventory/schemas.ts";
import type { Hold } from "../../src/inventory/stock-types.ts";
import type { JobRunWire, JobWire } from "../../src/ops/jobs/schemas.ts";
import type { Drift } from "../../src/ops/reconcile/drift.ts";
import type { DailyReportWire } from "../../src/ops/reports/schemas.ts";
import type { DeadLetterWire, TaskWire } from "../../src/ops/tasks/schemas.ts";
import type {
  FlaggedEventWire,
  OrderPaymentWire,
  OrderWire,
  RefundWire,
  ReturnWire,
  ShipmentWire,
} from "../../src/orders/schemas.ts";
import type { OpenedPaymentWire } from "../../src/payments/schemas.ts";
import type { FieldError } from "../../src/platform/http/problem.ts";
import type { MoneyWire } from "../../src/platform/money.ts";

/** A list of which a test expects the first few to be there. */
type Rows<T> = T[] & Record<0 | 1 | 2 | 3 | 4, T>;

type Known =
  | BulkReport
  | Category
  | DailyReportWire
  | DeadLetterWire
  | InventoryRow
  | JobRunWire
  | JobWire
  | OpenedPaymentWire
  | OrderPaymentWire
  | OrderWire
  | Product
  | ProductHistoryEntry
  | Store
  | TaskWire;

type FieldOf<U, K extends PropertyKey> = U extends { [P in K]?: infer V } ? Exclude<V, undefined> : never;
/** Every field that one of a union has, by what it may be there. */
type Merged<U> = { [K in U extends unknown ? keyof U : never]: FieldOf<U, K> };

interface Levels {
  on_hand: number;
  reserved: number;
  available: number;
}

/**
 * What came over the wire, as a test reads it: any field that an answer of some route has. That this answer has it is what
 * the test asserts; a field that no answer has does not compile.
 */
export interface Wire extends Omit<Merged<Known>, "errors" | "results" | "snapshot" | "status"> {
  status: string;

  /** Of a step that gives money back. */
  refund: RefundWire;
  /** Of an entry of history. */
  kind: string;

  /** Of a list. */
  results: Rows<Wire>;
  count: number;
  page: number;
  page_size: number;
  has_next: boolean;
  has_previous: boolean;
  next_cursor: string;

  /** Of a problem. */
  code: string;
  request_id: string;
  errors: Rows<FieldError & { field: string; product_id: string }>;
  order_status: string;
  currencies: string[];
  total: MoneyWire;
  left: number;

  /** Of suggestions, and of what is limited. */
  suggestions: string[];
  store_quantity: number;
  retry_after: number;

  /** Of a cart, and of a sign-in that merged one. */
  token: string;
  cart_id: string;

  /** Of a sign-in. */
  user: Wire;
  access_token: string;
  refresh_token: string;
  role: string;
  disabled: boolean;
  /** Of a session. */
  current: boolean;
  /** Of a role. */
  permissions: string[];
  fixed: boolean;

  /** Of an order's page, and of what was done to one. */
  order: Wire;
  snapshot: Wire;
  shipment: ShipmentWire;
  shipments: Rows<ShipmentWire>;
  return: ReturnWire;
  returns: Rows<ReturnWire>;
  payments: Rows<OrderPaymentWire>;
  flagged_events: Rows<FlaggedEventWire>;
  duplicate: boolean;
  /** Of what a payment provider told. */
  event_id: string;

  /** Of the OpenAPI document. */
  paths: Record<string, Record<string, unknown>>;

  /** Of stock. */
  stock: Levels & { stores: (Levels & { store_id: string })[] };
  stores: (Levels & { store_id: string })[];
  holds: Hold[];
  seq: number;
  drift: Rows<Drift>;
  repaired: number;
}
