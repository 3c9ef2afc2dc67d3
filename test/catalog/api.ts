import { exports } from "cloudflare:workers";
import type { Wire } from "../support/wire.ts";

export interface Answer {
  status: number;
  headers: Headers;
  body: Wire;
}

/** One request to /api/v1 as anyone would send it; headers such as a signed-in user's come along. */
export async function api(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Answer> {
  const response = await exports.default.fetch(`http://shop.test/api/v1${path}`, {
    method,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
}

export const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
