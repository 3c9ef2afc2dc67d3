import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { type ApiDocument, operationsOf } from "../support/contract.ts";
import { exampleRequest, shortName } from "../support/examples.ts";
import { CALLERS, callersOf, sceneOf } from "./callers.ts";
import { givenWorld } from "./routes.ts";

/**
 * Who may call what, written by hand, of things that are the owner's: what is another customer's is nowhere to be found. `+`: may; `1`: 401, sign in first; `3`: 403; `4`: 404,
 * as if it were not there. A new operation belongs in here: decide it before you look at what the code says.
 *
 * Of the shop's own roles, `warehouse` changes orders and stock, `support` changes orders and reads the rest, `finance` reads orders
 * and steers money. The narrow key has `catalog:read`. The last three had rights once: test/security/callers.ts.
 */
const TABLE = `
                                                        no  own oth wh  sup fin st  ad  key dis out rev
get /.well-known/jwks.json                              +   +   +   +   +   +   +   +   +   +   +   +
post /auth/register                                     +   +   +   +   +   +   +   +   +   +   +   +
post /auth/token                                        +   +   +   +   +   +   +   +   +   +   +   +
post /auth/refresh                                      +   +   +   +   +   +   +   +   +   +   +   +
post /auth/logout                                       +   +   +   +   +   +   +   +   +   +   +   +
post /auth/password-reset                               +   +   +   +   +   +   +   +   +   +   +   +
post /auth/password-reset/confirm                       +   +   +   +   +   +   +   +   +   +   +   +
post /auth/verify-email                                 +   +   +   +   +   +   +   +   +   +   +   +
get /me                                                 1   +   +   +   +   +   +   +   3   1   1   1
patch /me                                               1   +   +   +   +   +   +   +   3   1   1   1
post /me/password                                       1   +   +   +   +   +   +   +   3   1   1   1
post /me/verify-email                                   1   +   +   +   +   +   +   +   3   1   1   1
get /me/sessions                                        1   +   +   +   +   +   +   +   3   1   1   1
delete /me/sessions                                     1   +   +   +   +   +   +   +   3   1   1   1
delete /me/sessions/{id}                                1   +   4   4   4   4   4   4   3   1   1   1
delete /me                                              1   +   +   +   +   +   +   +   3   1   1   1
get /me/export                                          1   +   +   +   +   +   +   +   3   1   1   1
get /me/addresses                                       1   +   +   +   +   +   +   +   3   1   1   1
post /me/addresses                                      1   +   +   +   +   +   +   +   3   1   1   1
get /me/addresses/{id}                                  1   +   4   4   4   4   4   4   3   1   1   1
patch /me/addresses/{id}                                1   +   4   4   4   4   4   4   3   1   1   1
delete /me/addresses/{id}                               1   +   4   4   4   4   4   4   3   1   1   1
get /users                                              1   3   3   3   3   3   3   +   3   1   1   1
patch /users/{id}                                       1   3   3   3   3   3   3   +   3   1   1   1
delete /users/{id}                                      1   3   3   3   3   3   3   +   3   1   1   1
get /roles                                              1   3   3   3   3   3   3   +   3   1   1   1
post /roles                                             1   3   3   3   3   3   3   +   3   1   1   1
patch /roles/{name}                                     1   3   3   3   3   3   3   +   3   1   1   1
delete /roles/{name}                                    1   3   3   3   3   3   3   +   3   1   1   1
post /api-keys                                          1   3   3   3   3   3   3   +   3   1   1   1
get /api-keys                                           1   3   3   3   3   3   3   +   3   1   1   1
get /api-keys/{id}                                      1   3   3   3   3   3   3   +   3   1   1   1
delete /api-keys/{id}                                   1   3   3   3   3   3   3   +   3   1   1   1
get /categories                                         +   +   +   +   +   +   +   +   +   1   +   1
post /categories                                        1   3   3   3   3   3   +   +   3   1   1   1
get /categories/{id}                                    +   +   +   +   +   +   +   +   +   1   +   1
patch /categories/{id}                                  1   3   3   3   3   3   +   +   3   1   1   1
delete /categories/{id}                                 1   3   3   3   3   3   +   +   3   1   1   1
get /search/products                                    +   +   +   +   +   +   +   +   +   1   +   1
get /search/suggest                                     +   +   +   +   +   +   +   +   +   1   +   1
get /products                                           +   +   +   +   +   +   +   +   +   1   +   1
post /products                                          1   3   3   3   3   3   +   +   3   1   1   1
get /products/{id}                                      +   +   +   +   +   +   +   +   +   1   +   1
patch /products/{id}                                    1   3   3   3   3   3   +   +   3   1   1   1
delete /products/{id}                                   1   3   3   3   3   3   +   +   3   1   1   1
get /products/{id}/history                              1   3   3   +   +   3   +   +   +   1   1   1
post /products/bulk                                     1   3   3   3   3   3   +   +   3   1   1   1
post /carts                                             +   +   +   +   +   +   +   +   +   1   +   1
get /carts                                              1   +   +   +   +   +   +   +   3   1   +   1
get /carts/{id}                                         4   +   4   4   4   4   4   4   4   1   +   1
put /carts/{id}/items/{product_id}                      4   +   4   4   4   4   4   4   4   1   +   1
delete /carts/{id}/items/{product_id}                   4   +   4   4   4   4   4   4   4   1   +   1
post /carts/{id}/items                                  4   +   4   4   4   4   4   4   4   1   +   1
post /carts/{id}/checkout                               4   +   4   4   4   4   4   4   4   1   1   1
get /orders/delayed                                     1   3   3   +   +   +   +   +   3   1   1   1
get /orders/statistics                                  1   3   3   3   3   +   +   +   3   1   1   1
post /orders/statistics/rebuild                         1   3   3   3   3   3   3   +   3   1   1   1
post /orders                                            +   +   +   +   +   +   +   +   +   1   1   1
get /orders                                             1   +   +   +   +   +   +   +   3   1   +   1
post /orders/{id}/cancel                                4   +   4   +   +   3   +   +   4   1   1   1
patch /orders/{id}                                      4   +   4   +   +   3   +   +   4   1   1   1
get /orders/{id}                                        4   +   4   +   +   +   +   +   4   1   +   1
get /orders/{id}/history                                4   +   4   +   +   +   +   +   4   1   +   1
post /orders/lookup                                     +   +   +   +   +   +   +   +   +   1   1   1
post /orders/bulk                                       +   +   +   +   +   +   +   +   +   1   1   1
get /orders/{id}/page                                   4   4   4   4   4   4   4   4   4   1   4   1
post /webhooks/payments/stripe                          1   1   1   1   1   1   1   1   1   1   1   1
post /webhooks/payments/standard                        1   1   1   1   1   1   1   1   1   1   1   1
post /orders/{id}/payments                              4   +   4   +   +   3   +   +   4   1   1   1
get /orders/{id}/payments                               4   +   4   +   +   +   +   +   4   1   +   1
post /payments/{id}/refund                              1   3   3   3   3   +   +   +   3   1   1   1
get /payments/events                                    1   3   3   3   +   +   +   +   3   1   1   1
post /payments/events/{provider}/{event_id}/match       1   3   3   3   3   +   +   +   3   1   1   1
post /payments/events/{provider}/{event_id}/retry       1   3   3   3   3   +   +   +   3   1   1   1
post /payments/events/{provider}/{event_id}/give-back   1   3   3   3   3   +   +   +   3   1   1   1
get /stores/{id}/inventory                              +   +   +   +   +   +   +   +   +   1   +   1
get /stores/{id}/orders                                 1   3   3   +   +   +   +   +   3   1   1   1
get /stores                                             +   +   +   +   +   +   +   +   +   1   +   1
post /stores                                            1   3   3   3   3   3   +   +   3   1   1   1
get /stores/{id}                                        +   +   +   +   +   +   +   +   +   1   +   1
patch /stores/{id}                                      1   3   3   3   3   3   +   +   3   1   1   1
post /orders/{id}/transitions                           1   3   3   +   +   3   +   +   3   1   1   1
post /orders/{id}/shipments                             1   3   3   +   +   3   +   +   3   1   1   1
post /orders/{id}/close                                 1   3   3   +   +   3   +   +   3   1   1   1
post /orders/{id}/returns                               1   3   3   +   +   3   +   +   3   1   1   1
get /products/low-stock                                 1   3   3   +   +   3   +   +   3   1   1   1
get /products/out-of-stock                              1   3   3   +   +   3   +   +   3   1   1   1
post /inventory/reconcile                               1   3   3   +   3   3   +   +   3   1   1   1
get /inventory                                          1   3   3   +   +   3   +   +   3   1   1   1
get /inventory/summary                                  1   3   3   +   +   3   +   +   3   1   1   1
get /inventory/{product_id}                             1   3   3   +   +   3   +   +   3   1   1   1
post /inventory/{product_id}/adjust                     1   3   3   +   3   3   +   +   3   1   1   1
post /inventory/{product_id}/transfer                   1   3   3   +   3   3   +   +   3   1   1   1
get /inventory/{product_id}/transactions                1   3   3   +   +   3   +   +   3   1   1   1
get /inventory/{product_id}/levels                      1   3   3   +   +   3   +   +   3   1   1   1
get /health                                             +   +   +   +   +   +   +   +   +   +   +   +
get /health/ready                                       +   +   +   +   +   +   +   +   +   +   +   +
get /metrics                                            +   +   +   +   +   +   +   +   +   +   +   +
get /ops/selling                                        1   3   3   3   3   3   +   +   3   1   1   1
post /ops/selling                                       1   3   3   3   3   3   3   +   3   1   1   1
get /emails                                             1   3   3   3   3   3   3   +   3   1   1   1
get /jobs                                               1   3   3   3   3   3   +   +   3   1   1   1
patch /jobs/{name}                                      1   3   3   3   3   3   +   +   3   1   1   1
post /jobs/{name}/run                                   1   3   3   3   3   3   +   +   3   1   1   1
get /reports/daily                                      1   3   3   3   3   +   +   +   3   1   1   1
get /dead-letters                                       1   3   3   3   3   3   +   +   3   1   1   1
post /dead-letters/retry                                1   3   3   3   3   3   +   +   3   1   1   1
post /dead-letters/{id}/retry                           1   3   3   3   3   3   +   +   3   1   1   1
delete /dead-letters/{id}                               1   3   3   3   3   3   +   +   3   1   1   1
get /tasks                                              1   3   3   3   3   3   +   +   3   1   1   1
delete /tasks/{id}                                      1   3   3   3   3   3   +   +   3   1   1   1
get /audit-log                                          1   3   3   3   3   3   +   +   3   1   1   1
get /ops/backup                                         1   3   3   3   3   3   3   +   3   1   1   1
get /ops/backup/tables/{name}                           1   3   3   3   3   3   3   +   3   1   1   1
post /ops/backup/tables/{name}                          1   3   3   3   3   3   3   +   3   1   1   1
get /ops/backup/changes                                 1   3   3   3   3   3   3   +   3   1   1   1
get /ops/backup/stock                                   1   3   3   3   3   3   3   +   3   1   1   1
post /ops/backup/stock                                  1   3   3   3   3   3   3   +   3   1   1   1
get /ops/backup/stock/{product_id}                      1   3   3   3   3   3   3   +   3   1   1   1
post /ops/backup/stock/{product_id}                     1   3   3   3   3   3   3   +   3   1   1   1
get /ops/backup/movements                               1   3   3   3   3   3   3   +   3   1   1   1
post /ops/backup/empty-stock                            1   3   3   3   3   3   3   +   3   1   1   1
post /ops/backup/finish                                 1   3   3   3   3   3   3   +   3   1   1   1
post /ops/backup/proof                                  1   3   3   3   3   3   3   +   3   1   1   1
post /ops/backup/token                                  1   3   3   3   3   3   3   +   3   1   1   1
`;

const ROWS = TABLE.trim()
  .split("\n")
  .slice(1)
  .map((line) => {
    const [method, path, ...cells] = line.split(/\s+/);
    return { name: `${method} ${path}`, cells };
  });

test("each operation is called by everybody, and answers as the table says", {
  timeout: 120_000,
}, async () => {
  const document: ApiDocument = await (await exports.default.fetch("http://shop.test/openapi.json")).json();
  const operations = new Map(operationsOf(document).map((one) => [shortName(one), one]));
  expect(ROWS.map(({ name }) => name).sort()).toEqual([...operations.keys()].sort());

  const world = await givenWorld();
  const ids = await sceneOf(world);
  const callers = await callersOf(world);
  const seen: string[] = [];
  for (const { name, cells } of ROWS) {
    const operation = operations.get(name);
    if (!operation) throw new Error(`there is no ${name}`);
    const answers: string[] = [];
    for (const [column, caller] of CALLERS.entries()) {
      const request = exampleRequest(operation, world, ids);
      // Who may is told what is wrong with the request, so that the shop stays as it is for the next; who may not sends it whole.
      if (cells[column] === "+" && request.method !== "GET") request.url.searchParams.set("unheard_of", "1");
      answers.push(await letterOf(request, callers[caller]));
    }
    seen.push(`${name}: ${answers.join(" ")}`);
  }
  expect(seen).toEqual(ROWS.map(({ name, cells }) => `${name}: ${cells.join(" ")}`));
});

async function letterOf(
  { url, method, body }: ReturnType<typeof exampleRequest>,
  headers: Record<string, string>,
): Promise<string> {
  const sent =
    body === undefined ? { headers } : { headers: { ...headers, "content-type": "application/json" }, body };
  const answer = await exports.default.fetch(url, { method, ...sent });
  const text = await answer.text();
  if (answer.status < 300) return "+";
  if (answer.status === 400 && JSON.parse(text).code === "unknown_field") return "+";
  return REFUSED[answer.status] ?? `${answer.status}`;
}

const REFUSED: Record<number, string> = { 401: "1", 403: "3", 404: "4" };
