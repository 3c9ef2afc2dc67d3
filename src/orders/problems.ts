import type { Actor } from "../platform/actor.ts";
import { notFound, type Problem } from "../platform/http/problem.ts";
import { prefixed } from "../platform/ids.ts";
import type { ProblemCode } from "../problem-codes.ts";
import type { Order } from "./order.ts";
import type { Shortfall } from "./place/decide.ts";
import type { Draft, DraftNames } from "./place/draft.ts";
import type { Refusal } from "./place/quote.ts";
import type { NotCancellable } from "./steps/cancel.ts";
import type { DetailsRefusal } from "./steps/change-details.ts";

/** What placing one order may answer, from items or from a cart. */
export const PLACING_CODES = [
  "insufficient_stock",
  "price_changed",
  "not_chargeable",
  "unknown_product",
  "unknown_store",
  "payment_method_not_allowed",
  "too_many_units",
  "too_many_unpaid",
  "customer_required",
  "mixed_currencies",
  "total_too_large",
  "unauthenticated",
  "overloaded",
  "try_again",
  "outcome_unknown",
  "selling_stopped",
  "restoring",
] as const satisfies ProblemCode[];

/** 503: nothing was sold and nothing is lost; the same request, under the same key, may be sent again. */
export const UNAVAILABLE: Problem = {
  status: 503,
  code: "try_again",
  detail: "The order could not be decided just now. Send the same request again.",
};

/** 503: more buyers at once than can be served. Nothing is held. */
export const CROWDED: Problem = {
  status: 503,
  code: "overloaded",
  detail: "Too many orders arrive at once. Nothing was ordered: send the same request again in a moment.",
};

/** 503 without a key: the order may stand. It is named, so that its buyer can look before buying twice. */
export const outcomeUnknown = ({ operation, reference, accessToken }: DraftNames): Problem => ({
  status: 503,
  code: "outcome_unknown",
  detail: "Whether the order was placed is not known yet. Look it up before sending it again.",
  order: {
    ...{ id: prefixed("ord", operation), reference },
    ...(accessToken === null ? {} : { access_token: accessToken }),
  },
});

/** 503: an admin has stopped selling, or a restore is not reconciled yet. */
export const SELLING_STOPPED: Problem = {
  status: 503,
  code: "selling_stopped",
  detail: "The shop takes no orders just now. Send the same request again later.",
};

export const GUESTS_OFF: Problem = {
  status: 401,
  code: "unauthenticated",
  detail: "This shop takes orders from signed-in buyers only.",
};

export const insufficientStock = (
  order: Order,
  shortfalls: Shortfall[],
  accessToken: string | undefined,
): Problem => ({
  status: 409,
  code: "insufficient_stock",
  detail: "There is not enough stock for this order.",
  errors: shortfalls.map((shortfall) => ({ ...shortfall })),
  order: {
    id: order.id,
    reference: order.reference,
    status: order.status,
    ...(accessToken === undefined ? {} : { access_token: accessToken }),
  },
});

/** 503: the order changed under each try. Nothing was done. */
export const CONTENDED: Problem = {
  status: 503,
  code: "try_again",
  detail: "Too much happened to this order at once. Send the same request again.",
};

/** 409 in a bulk of all or none: nothing is wrong with this order, but another one of the bulk could not be placed. */
export const OTHERS_FELL: Problem = {
  status: 409,
  code: "others_not_placed",
  detail: "Another order of this bulk could not be placed, so this one was not either.",
};

export const notCancellable = ({ status, partShipped }: NotCancellable): Problem => ({
  status: 409,
  code: "not_cancellable",
  detail: partShipped
    ? "A part of this order has shipped, so it cannot be cancelled. The shop can close it (POST …/close): what has not left is then given up."
    : `An order that is ${status} cannot be cancelled.`,
  order_status: status,
});

/** 409: it may go nowhere else any more. */
export function detailsFixed({
  status,
  partShipped,
  packed,
}: Extract<DetailsRefusal, { kind: "details_fixed" }>): Problem {
  const because = partShipped
    ? "Something of this order has shipped already, so its details cannot be changed."
    : packed
      ? "This order is being packed, so only the shop can still change its details: ask them."
      : `An order that is ${status} is sent nowhere, so its details cannot be changed.`;
  return { status: 409, code: "details_fixed", detail: because, order_status: status };
}

/** 409: the total was made for one country. */
export const countryFixed = ({ country }: Extract<DetailsRefusal, { kind: "country_fixed" }>): Problem => {
  const message = `must stay ${country ?? "none"}: what was charged for shipping, tax and duty was for it`;
  return {
    status: 409,
    code: "country_fixed",
    detail: `The country ${message}. Cancel the order and place it anew.`,
    errors: [{ field: "shipping_address.country", code: "country_fixed", message }],
  };
};

/**
 * 404, also where the order is another's: nobody learns whether it is there. A guest is told what shows that it is theirs.
 * @param token the X-Order-Token that came with the request
 */
export const orderNotFound = (actor: Actor, token: string | undefined): Problem => {
  if (actor.kind !== "guest") return notFound("order");
  const detail =
    token === undefined
      ? "There is no such order for a guest without X-Order-Token: send the access_token that came with the order as this header, or sign in."
      : "There is no such order for this X-Order-Token: it is the access_token that came with the order.";
  return { ...notFound("order"), detail };
};

/** 409: a living order has the cart. The cart is free again when that order is cancelled or expires. */
export const cartSpent = (order: { id: string; reference: string }): Problem => ({
  status: 409,
  code: "cart_spent",
  detail: `The cart was ordered already, as ${order.reference}.`,
  order: { id: order.id, reference: order.reference },
});

/** Why a draft can be no order, with the field it is about. */
export function refusalProblem(refusal: Refusal, draft: Draft): Problem {
  switch (refusal.kind) {
    case "cart_spent":
      return cartSpent(refusal.order);
    case "cart_changed":
      return {
        status: 409,
        code: "cart_changed",
        detail: "The cart changed while it was checked out. Nothing was ordered: look at it again.",
      };
    case "cart_empty":
      return fieldProblem("cart_empty", "items", "The cart is empty.");
    case "unknown_products":
      return {
        status: 422,
        code: "unknown_product",
        detail: "A product is not there, or is archived.",
        errors: refusal.productIds.map((productId) => ({
          field: `items.${draft.lines.find((line) => line.productId === productId)?.item}.product_id`,
          code: "unknown_product",
          message: "is not there, or is archived",
          product_id: productId,
        })),
      };
    case "unknown_store":
      return fieldProblem("unknown_store", "store_id", "There is no such store.");
    case "mixed_currencies":
      return {
        ...fieldProblem("mixed_currencies", "items", "All items of an order must have one currency."),
        currencies: refusal.currencies,
      };
    case "customer_needed":
      return fieldProblem(
        "customer_required",
        "customer",
        "A guest's order needs customer with name and email.",
      );
    case "payment_method_not_allowed":
      return {
        ...fieldProblem(
          "payment_method_not_allowed",
          "payment_method",
          refusal.allowed.length === 0
            ? "The shop takes no orders of yours."
            : `You can pay by ${refusal.allowed.join(", ")} here.`,
        ),
        allowed: [...refusal.allowed],
      };
    case "too_many_units":
      return {
        status: 422,
        code: "too_many_units",
        detail: "More of a product than one order may have.",
        errors: refusal.lines.map(({ item, productId, most }) => ({
          field: `items.${item}.quantity`,
          code: "too_many_units",
          message: `must be ${most} at most, all lines of this product together`,
          product_id: productId,
          max: most,
        })),
      };
    case "too_many_unpaid":
      return {
        status: 409,
        code: "too_many_unpaid",
        detail: `Orders of this buyer that wait for their payment may have ${refusal.max} units together: pay or cancel some.`,
        max: refusal.max,
      };
    case "total_too_large":
      return fieldProblem("total_too_large", "items", "The total is larger than can be counted exactly.");
    case "price_changed":
      return {
        status: 409,
        code: "price_changed",
        detail: "The total is not what was expected.",
        total: refusal.total,
      };
    case "not_chargeable":
      return {
        ...fieldProblem(
          "not_chargeable",
          "payment_method",
          `This total cannot be paid by card. ${refusal.reason}`,
        ),
        total: refusal.total,
      };
  }
}

const fieldProblem = (code: ProblemCode, field: string, message: string): Problem => ({
  status: 422,
  code,
  detail: message,
  errors: [{ field, code, message }],
});
