import type { World } from "../security/routes.ts";
import type { operationsOf } from "./contract.ts";

export const ID = "01jcz4kq8rj2m5v0a7w9x3y6pd";

type Named = ReturnType<typeof operationsOf>[number];

/** An operation as tables name it: `post /orders/{id}/cancel`. */
export const shortName = ({ name }: Named): string => name.replace("/api/v1", "");

/** What the examples' ids are in a shop that has something of each. @param more of an operation that needs another */
const given = (world: World, more: Record<string, string> = {}): Record<string, string> => ({
  [`prd_${ID}`]: world.productId,
  [`sto_${ID}`]: world.storeId,
  sto_01jcz4kq8rj2m5v0a7w9x3y6pe: world.otherStoreId,
  [`cat_${ID}`]: world.categoryId,
  [`ord_${ID}`]: world.orderId,
  "ORD-7K3F9QXM2A": world.orderId,
  [`pay_${ID}`]: world.paymentId,
  [`crt_${ID}`]: world.cartId,
  [`adr_${ID}`]: world.addressId,
  [`usr_${ID}`]: world.customer.id,
  evt_1: world.flaggedId,
  ...more,
});

/** The request that an operation has as its example, of things that this shop has. */
export function exampleRequest(
  { method, path, operation }: Named,
  world: World,
  ids?: Record<string, string>,
): { url: URL; method: string; body: string | undefined } {
  const put = (text: string) =>
    Object.entries(given(world, ids)).reduce((all, [from, to]) => all.replaceAll(from, to), text);
  const required = (operation.parameters ?? []).filter((one) => one.required);
  const exampleOf = (name: string) => put(`${required.find((one) => one.name === name)?.example}`);
  const url = new URL(
    path.replaceAll(/\{(\w+)\}/g, (_, name) => exampleOf(name)),
    "http://shop.test",
  );
  for (const one of required) if (one.in === "query") url.searchParams.set(one.name, exampleOf(one.name));
  const body = operation.requestBody?.content["application/json"]?.example;
  return {
    url,
    method: method.toUpperCase(),
    body: body === undefined ? undefined : put(JSON.stringify(body)),
  };
}
