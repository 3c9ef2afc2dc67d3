import { isDeepStrictEqual } from "node:util";
import { type FieldError, fieldErrors } from "../../platform/http/problem.ts";
import { formatMoney, type MoneyWire, priceInputSchema } from "../../platform/money.ts";
import type { Product, ProductFields } from "./schemas.ts";

const DEFAULT_LOW_STOCK_THRESHOLD = 10;

export type CategoryName = Product["category"];

export type Invalid = { kind: "invalid"; errors: FieldError[] };

export type NewProductResult = { kind: "new"; product: Product } | Invalid;

export type Revised = { kind: "revised"; product: Product } | { kind: "unchanged" } | Invalid;

export const unknownCategory: Invalid = {
  kind: "invalid",
  errors: [{ field: "category_id", code: "unknown_category", message: "is no category of this shop" }],
};

/**
 * A new product, at version 1.
 * @param category the category of `category_id`; undefined when there is none
 * @param currency for a price without a currency
 * @param at when, in ISO 8601
 */
export function newProduct(
  id: string,
  fields: ProductFields,
  category: CategoryName | undefined,
  currency: string,
  at: string,
): NewProductResult {
  const { sku, title, price } = fields;
  if (sku === undefined || title === undefined || price === undefined || fields.category_id === undefined) {
    return { kind: "invalid", errors: missingFields(fields) };
  }
  if (!category) return unknownCategory;
  const read = readPrice(price, currency);
  if (read.kind === "invalid") return read;
  return {
    kind: "new",
    product: {
      id,
      sku,
      title,
      description: fields.description ?? "",
      category,
      price: read.price,
      low_stock_threshold: fields.low_stock_threshold ?? DEFAULT_LOW_STOCK_THRESHOLD,
      ...(fields.max_per_order == null ? {} : { max_per_order: fields.max_per_order }),
      active: fields.active ?? true,
      attributes: fields.attributes ?? {},
      created_at: at,
      updated_at: at,
      version: 1,
    },
  };
}

/** The product with some of its fields set; `unchanged` when it has these values already. */
export function revise(
  current: Product,
  fields: ProductFields,
  category: CategoryName | undefined,
  at: string,
): Revised {
  if (fields.category_id !== undefined && !category) return unknownCategory;
  const read = fields.price && readPrice(fields.price, current.price.currency);
  if (read?.kind === "invalid") return read;
  const { category_id: _, price: __, ...plain } = fields;
  const given = Object.entries(plain).filter(([, value]) => value !== undefined);
  const { max_per_order: most, ...rest } = { ...current, ...Object.fromEntries(given) };
  const revised: Product = {
    ...rest,
    ...(most == null ? {} : { max_per_order: most }),
    category: fields.category_id === undefined ? current.category : (category ?? current.category),
    price: read?.price ?? current.price,
  };
  if (isDeepStrictEqual(revised, current)) return { kind: "unchanged" };
  return { kind: "revised", product: { ...revised, updated_at: at, version: current.version + 1 } };
}

function missingFields(fields: ProductFields): FieldError[] {
  return (["sku", "title", "category_id", "price"] as const)
    .filter((field) => fields[field] === undefined)
    .map((field) => ({ field, code: "required", message: "is required for a new product" }));
}

/** Checks a price against its currency (`fallback` if it has none), and formats it as the API shows it. */
function readPrice(
  { amount, currency }: NonNullable<ProductFields["price"]>,
  fallback: string,
): { kind: "price"; price: MoneyWire } | Invalid {
  const parsed = priceInputSchema.safeParse({ amount, currency: currency ?? fallback });
  if (parsed.success) return { kind: "price", price: formatMoney(parsed.data) };
  const errors = fieldErrors(parsed.error.issues).map((error) => ({
    ...error,
    field: `price.${error.field}`,
  }));
  return { kind: "invalid", errors };
}
