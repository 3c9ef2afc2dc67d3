import { problemBody } from "../platform/problem.ts";
import type { RenderAnswer } from "./place/place.ts";
import { insufficientStock } from "./problems.ts";
import { renderOrder } from "./render.ts";

/** What a placed or rejected order answers, in the bytes that its key will repeat. */
export const renderAnswer =
  (requestId: string): RenderAnswer =>
  (order, shortfalls, accessToken) =>
    shortfalls === null
      ? { status: 201, body: JSON.stringify(renderOrder(order, accessToken)) }
      : { status: 409, body: problemBody(insufficientStock(order, shortfalls, accessToken), requestId) };
