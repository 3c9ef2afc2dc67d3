import type { Schema } from "./openapi-types.ts";

/** What a field of some name looks like in examples, where its schema has no example of its own. */
export type Words = Record<string, unknown>;

/** What stands in an example where nobody said what: the tests find it, and say which field it is. */
export const NO_WORD = "…";
const STAMP = "2026-11-20T12:00:00.000Z";

/**
 * Composes whole examples from those of the fields: its own, its name's, the first of its values, or what its form says.
 * @param schemas the named ones
 */
export function exampleMaker(schemas: Record<string, Schema>, words: Words) {
  const make = (schema: Schema, name: string): unknown => {
    if (schema.example !== undefined) return schema.example;
    if (schema.$ref !== undefined) return make(schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {}, name);
    if (schema.const !== undefined) return schema.const;
    const types = [schema.type ?? []].flat();
    if (Object.hasOwn(words, name) && fits(words[name], schema, types)) return words[name];
    if (schema.enum) return schema.enum[0];
    const choice = (schema.anyOf ?? schema.oneOf)?.find((one) => one.type !== "null");
    if (choice) return make(choice, name);
    if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => make(part, name)));
    if (schema.default !== undefined) return schema.default;
    switch (types.find((type) => type !== "null")) {
      case "object":
        return Object.fromEntries(
          Object.entries(schema.properties ?? {}).map(([field, inner]) => [field, make(inner, field)]),
        );
      case "array":
        return schema.items ? [make(schema.items, name)] : [];
      case "string":
        if (schema.format === "date-time") return STAMP;
        return schema.format === "date" ? STAMP.slice(0, 10) : NO_WORD;
      case "integer":
      case "number":
        return Math.max(schema.minimum ?? 1, 1);
      case "boolean":
        return true;
      default:
        return {};
    }
  };
  return make;
}

function fits(word: unknown, schema: Schema, types: string[]): boolean {
  if (schema.enum && !schema.enum.includes(word)) return false;
  const type = word === null ? "null" : Array.isArray(word) ? "array" : typeof word;
  if (types.length === 0) return schema.anyOf?.some((one) => [one.type].flat().includes(type)) ?? true;
  return types.includes(type) || (types.includes("integer") && Number.isInteger(word));
}
