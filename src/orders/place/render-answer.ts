import { problemBody } from "../../platform/http/problem.ts";
import type { Order } from "../order.ts";
import { insufficientStock, OTHERS_FELL } from "../problems.ts";
import { renderOrder } from "../read/render.ts";
import type { Shortfall } from "./decide.ts";
import type { DraftNames } from "./draft.ts";
import type { Answer } from "./outcome.ts";

/**
 * The answer to a decided draft, in the bytes that its key will repeat. The batch that decides stores it under that key.
 * @param shortfalls null for a placed order; empty for one that was rejected only because of others in its bulk
 */
export function renderAnswer(
  { requestId, accessToken }: Pick<DraftNames, "accessToken"> & { requestId: string },
  order: Order,
  shortfalls: Shortfall[] | null,
): Answer {
  const token = accessToken ?? undefined;
  if (shortfalls === null) return { status: 201, body: JSON.stringify(renderOrder(order, token)) };
  const fault = shortfalls.length === 0 ? OTHERS_FELL : insufficientStock(order, shortfalls, token);
  return { status: 409, body: problemBody(fault, requestId) };
}
