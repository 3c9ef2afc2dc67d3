import { problemBody } from "../platform/problem.ts";
import type { RenderAnswer } from "./place/placing.ts";
import { insufficientStock, OTHERS_FELL } from "./problems.ts";
import { renderOrder } from "./render.ts";

/** What a placed or rejected order answers, in the bytes that its key will repeat. */
export const renderAnswer =
  (requestId: string): RenderAnswer =>
  (order, shortfalls, accessToken) => {
    if (shortfalls === null) return { status: 201, body: JSON.stringify(renderOrder(order, accessToken)) };
    const fault = shortfalls.length === 0 ? OTHERS_FELL : insufficientStock(order, shortfalls, accessToken);
    return { status: 409, body: problemBody(fault, requestId) };
  };
