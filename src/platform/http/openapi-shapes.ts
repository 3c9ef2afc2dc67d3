import type { Schema } from "./openapi-types.ts";

/**
 * A schema as client generators want it, wherever zod's own form makes them stumble: what may be null and has a name is
 * either of the two, what is only a name with words is that name, and `null` is among the values of what may be null.
 */
export const tidy = (schema: Schema): Schema => named(nullAmongValues(withInside(schema, tidy)));

/** A schema with each of those that it is made of changed. */
function withInside(schema: Schema, change: (inner: Schema) => Schema): Schema {
  const inside: Schema = { ...schema };
  if (schema.properties) inside.properties = mapValues(schema.properties, change);
  if (schema.items) inside.items = change(schema.items);
  if (typeof schema.additionalProperties === "object") {
    inside.additionalProperties = change(schema.additionalProperties);
  }
  for (const all of ["anyOf", "oneOf", "allOf"] as const) {
    if (schema[all]) inside[all] = schema[all].map(change);
  }
  return inside;
}

function nullAmongValues(schema: Schema): Schema {
  const mayBeNull = Array.isArray(schema.type) && schema.type.includes("null");
  if (!schema.enum || !mayBeNull || schema.enum.includes(null)) return schema;
  return { ...schema, enum: [...schema.enum, null] };
}

/** zod-to-openapi writes what it adds to a named schema beside it, in an `allOf`; even that it may be null. */
function named(schema: Schema): Schema {
  const { allOf, ...outside } = schema;
  const [first, second, ...others] = allOf ?? [];
  if (first?.$ref === undefined || others.length > 0) return schema;
  if (second === undefined) return { ...first, ...outside };
  const { type, ...words } = second;
  if (Object.keys(words).some((key) => !WORDS.has(key))) return schema;
  const mayBeNull = Array.isArray(type) && type.includes("null");
  if (mayBeNull) return { anyOf: [first, { type: "null" }], ...words, ...outside };
  return type === undefined ? { ...first, ...words, ...outside } : schema;
}

const WORDS = new Set(["description", "example", "default"]);

/**
 * A schema of a request without its defaults: each is told in words instead. What has a default may be left out, but the
 * generators of types take a default for a promise that the field is always there.
 */
export function withoutDefaults(schema: Schema): Schema {
  const { default: left, ...rest } = withInside(schema, withoutDefaults);
  if (left === undefined) return rest;
  const told = `\`${JSON.stringify(left)}\` where it is left out`;
  return { ...rest, description: rest.description === undefined ? told : `${rest.description}; ${told}` };
}

const mapValues = <V, W>(record: Record<string, V>, change: (value: V) => W): Record<string, W> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
