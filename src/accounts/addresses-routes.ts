import { createRoute, endpoint, idempotencyHeader } from "../platform/http/endpoint.ts";
import { signedIn } from "../platform/http/permission-guard.ts";
import { notFound, type Problem, problem } from "../platform/http/problem.ts";
import { createRouter, idParam, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import { once } from "../platform/idempotency.ts";
import { toList } from "../platform/pagination.ts";
import {
  addAddress,
  deleteAddress,
  editAddress,
  listAddresses,
  MAX_ADDRESSES,
  readAddress,
} from "./addresses.ts";
import { addressListSchema, addressSchema, editAddressSchema, newAddressSchema } from "./schemas.ts";

const guarded = { tags: ["Accounts"], permission: "account" as const };
const params = idParam("adr_01jcz4kq8rj2m5v0a7w9x3y6pd");

const listRoute = createRoute({
  ...guarded,
  method: "get",
  path: "/me/addresses",
  summary: "Your address book",
  responses: { 200: jsonContent(addressListSchema, "All of it, the newest first") },
});

const addRoute = createRoute({
  ...guarded,
  method: "post",
  path: "/me/addresses",
  summary: "Add an address",
  description: `Up to ${MAX_ADDRESSES}. As the default one, it takes the place of the default before.`,
  request: { headers: idempotencyHeader, body: jsonBody(newAddressSchema) },
  responses: { 201: jsonContent(addressSchema, "Added"), ...problems("too_many_addresses") },
});

const readRoute = createRoute({
  ...guarded,
  method: "get",
  path: "/me/addresses/{id}",
  summary: "Read an address",
  request: { params },
  responses: { 200: jsonContent(addressSchema, "The address") },
});

const editRoute = createRoute({
  ...guarded,
  method: "patch",
  path: "/me/addresses/{id}",
  summary: "Change an address",
  description:
    "Null takes a field away that an address need not have. Orders keep the address that they were placed with.",
  request: { params, body: jsonBody(editAddressSchema) },
  responses: { 200: jsonContent(addressSchema, "Changed") },
});

const deleteRoute = createRoute({
  ...guarded,
  method: "delete",
  path: "/me/addresses/{id}",
  summary: "Delete an address",
  description: "After the default one there is none, until you make another it.",
  request: { params },
  responses: { 204: { description: "Deleted" } },
});

const TOO_MANY: Problem = {
  status: 409,
  code: "too_many_addresses",
  detail: `An address book has ${MAX_ADDRESSES} addresses at most: delete one first.`,
  max: MAX_ADDRESSES,
};

/** A signed-in user's own address book. */
export const addressesRoutes = createRouter(
  endpoint(listRoute, async (c) => {
    const addresses = await listAddresses(c.get("context"), signedIn(c).userId);
    const whole = { page: 1, page_size: MAX_ADDRESSES };
    const cursorOf = () => ({ key: 0, id: "" });
    return c.json(
      toList(whole, addresses, addresses.length, cursorOf, (one) => one),
      200,
    );
  }),
  endpoint(addRoute, async (c) =>
    once(c, async (operation) => {
      const outcome = await addAddress(c.get("context"), signedIn(c).userId, operation, c.req.valid("json"));
      return outcome.kind === "added" ? c.json(outcome.address, 201) : problem(c, TOO_MANY);
    }),
  ),
  endpoint(readRoute, async (c) => {
    const address = await readAddress(c.get("context"), signedIn(c).userId, c.req.valid("param").id);
    return address ? c.json(address, 200) : problem(c, notFound("address"));
  }),
  endpoint(editRoute, async (c) => {
    const { id } = c.req.valid("param");
    const address = await editAddress(c.get("context"), signedIn(c).userId, id, c.req.valid("json"));
    return address ? c.json(address, 200) : problem(c, notFound("address"));
  }),
  endpoint(deleteRoute, async (c) => {
    const deleted = await deleteAddress(c.get("context"), signedIn(c).userId, c.req.valid("param").id);
    return deleted ? c.body(null, 204) : problem(c, notFound("address"));
  }),
);
