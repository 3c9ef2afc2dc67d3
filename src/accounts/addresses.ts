import type { z } from "@hono/zod-openapi";
import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import type { Operation } from "../platform/idempotency.ts";
import { prefixed } from "../platform/ids.ts";
import { all, batch, first, run, type Sql, sql } from "../platform/sql.ts";
import type { postalAddressSchema } from "../platform/text/postal-address.ts";
import type { EditAddress, NewAddress } from "./schemas.ts";

/** So that a list of them is short, and nobody fills the database with theirs. */
export const MAX_ADDRESSES = 50;

type PostalAddress = z.infer<typeof postalAddressSchema>;

interface AddressRow {
  id: string;
  address: string;
  is_default: number;
  created_at: number;
  updated_at: number;
}

const COLUMNS = sql`id, address, is_default, created_at, updated_at`;

const renderAddress = (row: AddressRow) => ({
  id: row.id,
  ...(JSON.parse(row.address) as PostalAddress),
  default: row.is_default === 1,
  created_at: isoTimestamp(row.created_at),
  updated_at: isoTimestamp(row.updated_at),
});

export type AddressWire = ReturnType<typeof renderAddress>;

/** A user's addresses, the newest first. Another's are not found by any of these. */
export async function listAddresses({ env }: Context, userId: string): Promise<AddressWire[]> {
  const rows = await all(
    env.DB,
    sql<AddressRow>`SELECT ${COLUMNS} FROM addresses WHERE user_id = ${userId} ORDER BY id DESC`,
  );
  return rows.map(renderAddress);
}

export async function readAddress({ env }: Context, userId: string, id: string): Promise<AddressWire | null> {
  const row = await first(env.DB, rowOf(userId, id));
  return row && renderAddress(row);
}

const rowOf = (userId: string, id: string): Sql<AddressRow> =>
  sql`SELECT ${COLUMNS} FROM addresses WHERE id = ${id} AND user_id = ${userId}`;

/** Of a user's addresses one is the default at most: in the batch that makes this one it, the one before is it no more. */
const noOtherDefault = (userId: string, id: string): Sql => sql`
  UPDATE addresses SET is_default = 0 WHERE user_id = ${userId} AND is_default = 1 AND id <> ${id}
    AND EXISTS (SELECT 1 FROM addresses WHERE id = ${id} AND user_id = ${userId} AND is_default = 1)`;

export type AddOutcome = { kind: "added"; address: AddressWire } | { kind: "too_many" };

/** @param operation the same for every repeat of the request; the address's id is made of it */
export async function addAddress(
  { env, clock }: Context,
  userId: string,
  operation: Operation,
  { default: isDefault, ...address }: NewAddress,
): Promise<AddOutcome> {
  const now = clock.now();
  const row: AddressRow = {
    ...{ id: prefixed("adr", operation.id), address: JSON.stringify(address), is_default: isDefault ? 1 : 0 },
    ...{ created_at: now, updated_at: now },
  };
  const isThere = sql`EXISTS (SELECT 1 FROM addresses WHERE id = ${row.id})`;
  const { standing } = await batch(env.DB, {
    added: sql`
      INSERT INTO addresses (id, user_id, address, is_default, created_at, updated_at)
      SELECT ${row.id}, ${userId}, ${row.address}, ${row.is_default}, ${now}, ${now}
      WHERE (SELECT count(*) FROM addresses WHERE user_id = ${userId}) < ${MAX_ADDRESSES} ON CONFLICT DO NOTHING`,
    others: noOtherDefault(userId, row.id),
    answered: operation.answer(201, renderAddress(row), isThere),
    standing: rowOf(userId, row.id),
  });
  const [added] = standing;
  if (!added) return { kind: "too_many" };
  operation.answered = true;
  return { kind: "added", address: renderAddress(added) };
}

/** Changes the fields that are given; null takes one away. Null: there is no such address of this user. */
export async function editAddress(
  { env, clock }: Context,
  userId: string,
  id: string,
  { default: isDefault, ...address }: EditAddress,
): Promise<AddressWire | null> {
  const { standing } = await batch(env.DB, {
    edited: sql`
      UPDATE addresses SET address = json_patch(address, ${JSON.stringify(address)}),
        is_default = coalesce(${isDefault === undefined ? null : Number(isDefault)}, is_default), updated_at = ${clock.now()}
      WHERE id = ${id} AND user_id = ${userId}`,
    others: noOtherDefault(userId, id),
    standing: rowOf(userId, id),
  });
  const [edited] = standing;
  return edited ? renderAddress(edited) : null;
}

/** @returns whether there was such a one of this user */
export async function deleteAddress({ env }: Context, userId: string, id: string): Promise<boolean> {
  return (await run(env.DB, sql`DELETE FROM addresses WHERE id = ${id} AND user_id = ${userId}`)) === 1;
}
