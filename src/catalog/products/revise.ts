import { isDeepStrictEqual } from "node:util";
import { formatMoney, type MoneyWire, priceInputSchema } from "../../platform/money.ts";
import { type FieldError, fieldErrors } from "../../platform/problem.ts";
import type { Product, ProductFields } from "./schemas.ts";

const DEFAULT_LOW_STOCK_THRESHOLD = 10;

export type CategoryName = Product["category"];

export type Invalid = { kind: "invalid"; errors: FieldError[] };

export type Drafted = { kind: "drafted"; product: Product } | Invalid;

export type Revised = { kind: "revised"; product: Product } | { kind: "unchanged" } | Invalid;

export const unknownCategory: Invalid = {
  kind: "invalid",
  errors: [{ field: "category_id", code: "unknown_category", message: "is no category of this shop" }],
};

/**
 * A product that is new, at version 1.
 * @param category the one that `category_id` names; undefined when there is none
 * @param currency of a price that names none
 * @param at ISO stamp
 */
export function draft(
  id: string,
  fields: ProductFields,
  category: CategoryName | undefined,
  currency: string,
  at: string,
): Drafted {
  const { sku, title, price } = fields;
  if (sku === undefined || title === undefined || price === undefined || fields.category_id === undefined) {
    return { kind: "invalid", errors: missingFields(fields) };
  }
  if (!category) return unknownCategory;
  const read = readPrice(price, currency);
  if (read.kind === "invalid") return read;
  return {
    kind: "drafted",
    product: {
      id,
      sku,
      title,
      description: fields.description ?? "",
      category,
      price: read.price,
      low_stock_threshold: fields.low_stock_threshold ?? DEFAULT_LOW_STOCK_THRESHOLD,
      active: fields.active ?? true,
      attributes: fields.attributes ?? {},
      created_at: at,
      updated_at: at,
      version: 1,
    },
  };
}

/** What a product becomes when some of its fields are set; `unchanged` when they say what it is already. */
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
  const revised: Product = {
    ...current,
    ...Object.fromEntries(given),
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

/** Checks a price against its currency, which is the given one when it names none, and writes it the one way. */
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
