import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { stockOf } from "../../src/inventory/client.ts";
import { get, post } from "../support/shop.ts";
import type { Wire } from "../support/wire.ts";
import worker, { deskEnv, deskWork } from "../support/worker.ts";

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: Wire;
}

export async function answerOf(response: Response | Promise<Response>): Promise<Answer> {
  const { status, headers } = await response;
  const text = await (await response).text();
  return { status, headers, text, body: text === "" ? null : JSON.parse(text) };
}

export const order = (body: unknown, headers?: Record<string, string>): Promise<Answer> =>
  answerOf(post("/orders", body, headers));

export const cancel = (name: string, headers?: Record<string, string>, body?: unknown): Promise<Answer> =>
  answerOf(post(`/orders/${name}/cancel`, body, headers));

export const read = (path: string, headers?: Record<string, string>): Promise<Answer> =>
  answerOf(get(path, headers));

/** A request to a shop with other settings or parts than the tests' own, with all that it does after its answer. */
export async function askUnder(
  settings: Record<string, unknown>,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const execution = createExecutionContext();
  const request = new Request(`http://shop.test/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const bindings = { ...env, ...settings };
  deskEnv.current = bindings;
  const answer = await answerOf(worker.fetch(request as never, bindings, execution));
  await waitOnExecutionContext(execution);
  await Promise.all(deskWork);
  deskEnv.current = null;
  return answer;
}

/** The header with which the guest of this order, or of this refused one, shows that it is theirs. */
export const tokenOf = ({ body }: Answer): { "X-Order-Token": string } => ({
  "X-Order-Token": body.access_token ?? body.order.access_token,
});

/** What a problem comes down to: status, code, and the fields that it points at. */
export const refusalOf = ({ status, body }: Answer): [number, string, ...string[]] => [
  status,
  body?.code,
  ...(body?.errors ?? []).flatMap((error: { field?: string }) => error.field ?? []),
];

export const levels = (productId: string) => stockOf(env, productId).levels();

export async function countOf(table: string): Promise<number> {
  const row = await env.DB.prepare(`SELECT count(*) AS rows FROM ${table}`).first<{ rows: number }>();
  return row?.rows ?? 0;
}
