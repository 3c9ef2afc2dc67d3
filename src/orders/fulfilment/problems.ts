import type { FieldError, Problem } from "../../platform/http/problem.ts";
import type { ProblemCode } from "../../problem-codes.ts";
import type { NotClosable } from "./close.ts";
import type { ShipRefusal } from "./ship.ts";
import type { ReturnRefusal } from "./take-back.ts";
import type { Illegal, NamedStep } from "./transition.ts";

export const illegalTransition = ({ status, allowed }: Illegal, to: NamedStep): Problem => ({
  status: 409,
  code: "illegal_transition",
  detail: `An order that is ${status} cannot become ${to} by this.`,
  order_status: status,
  allowed,
});

/** 409: what would leave was refunded in full. */
export const REFUNDED: Problem = {
  status: 409,
  code: "refunded",
  detail: "What is left was refunded: ship it all the same with force: true, or close the order.",
};

export const notClosable = ({ status }: NotClosable): Problem => ({
  status: 409,
  code: "not_closable",
  detail: "Only what is left of an order that has shipped in part can be closed. Cancel what never shipped.",
  order_status: status,
});

/** What a request named, for errors that point into it. */
type Named = { product_id: string }[];

export function shipProblem(refusal: ShipRefusal, items: Named): Problem {
  switch (refusal.kind) {
    case "not_shippable":
      return {
        status: 409,
        code: "not_shippable",
        detail: `An order that is ${refusal.status} cannot be shipped.`,
        order_status: refusal.status,
      };
    case "unknown_item":
      return unknownItem(refusal.productId, items);
    case "not_allocated":
      return fieldProblem({
        field: "store_id",
        code: "not_allocated",
        message: "holds nothing for this order",
        store_id: refusal.storeId,
      });
    case "more_than_left": {
      const { productId, requested, left } = refusal;
      const message = "is more than is left to ship";
      return tooMany({ code: "more_than_left", message }, { productId, requested, left }, items);
    }
    case "refunded": {
      if (refusal.named === null) return REFUNDED;
      const { productId, requested, left } = refusal.named;
      const message = "is more than is left and was not refunded";
      return tooMany({ code: "refunded", message }, { productId, requested, left }, items);
    }
    case "nothing_left":
      return { status: 409, code: "nothing_left", detail: "Nothing is left to ship there." };
  }
}

export function returnProblem(refusal: ReturnRefusal, items: Named): Problem {
  switch (refusal.kind) {
    case "not_returnable":
      return {
        status: 409,
        code: "not_returnable",
        detail: `Nothing can come back of an order that is ${refusal.status}: it must be shipped or delivered.`,
        order_status: refusal.status,
      };
    case "unknown_store":
      return fieldProblem({ field: "store_id", code: "unknown_store", message: "names no store" });
    case "unknown_item":
      return unknownItem(refusal.productId, items);
    case "more_than_shipped": {
      const { productId, requested, left } = refusal;
      const message = "is more than was shipped and has not come back";
      return tooMany({ code: "more_than_shipped", message }, { productId, requested, left }, items);
    }
  }
}

const unknownItem = (productId: string, items: Named): Problem =>
  fieldProblem({
    field: `items.${indexOf(productId, items)}.product_id`,
    code: "unknown_item",
    message: "is not an item of this order",
    product_id: productId,
  });

const tooMany = (
  { code, message }: { code: ProblemCode; message: string },
  { productId, requested, left }: { productId: string; requested: number; left: number },
  items: Named,
): Problem => ({
  status: 409,
  code,
  detail: `${requested} of ${productId} ${message}: that is ${left}.`,
  errors: [
    {
      field: `items.${indexOf(productId, items)}.quantity`,
      code,
      message,
      product_id: productId,
      requested,
      left,
    },
  ],
});

const indexOf = (productId: string, items: Named): number =>
  items.findIndex((item) => item.product_id === productId);

const fieldProblem = (error: FieldError & { field: string; code: ProblemCode }): Problem => ({
  status: 422,
  code: error.code,
  detail: `${error.field} ${error.message}.`,
  errors: [error],
});
