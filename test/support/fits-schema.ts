/** As much of JSON Schema as the API's document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
}

export type Schemas = Record<string, Schema>;

interface Options {
  /** Whether fields may stand there that the schema does not name. Problems have more than what all have. */
  open?: boolean;
}

/**
 * Where a value does not fit its schema. Stricter than JSON Schema: a field that the schema does not name is a fault,
 * unless the schema says that there may be others.
 */
export function faultsOf(
  schema: Schema,
  value: unknown,
  schemas: Schemas,
  { open = false }: Options = {},
): string[] {
  const resolve = (one: Schema): Schema =>
    one.$ref === undefined ? one : resolve(schemas[one.$ref.split("/").at(-1) ?? ""] ?? {});

  function check(given: Schema, at: unknown, path: string, isPart: boolean): string[] {
    const one = resolve(given);
    const choices = one.anyOf ?? one.oneOf;
    if (choices) {
      const tried = choices.map((choice) => check(choice, at, path, isPart));
      if (tried.some((faults) => faults.length === 0)) return [];
      return [`${path} is none of its kinds: ${tried.map((faults) => faults[0]).join("; or ")}`];
    }
    const faults = (one.allOf ?? []).flatMap((part) => check(part, at, path, true));
    const kinds = one.type === undefined ? [] : [one.type].flat();
    if (kinds.length > 0 && !kinds.some((kind) => isOf(kind, at))) {
      return [...faults, `${path} is ${JSON.stringify(at)?.slice(0, 60)}, and not ${kinds.join(" or ")}`];
    }
    if (one.enum && !one.enum.includes(at))
      faults.push(`${path} is ${JSON.stringify(at)}, none of its values`);
    if (one.const !== undefined && one.const !== at)
      faults.push(`${path} is not ${JSON.stringify(one.const)}`);
    if (typeof at === "number" && (at < (one.minimum ?? at) || at > (one.maximum ?? at))) {
      faults.push(`${path} is out of its range`);
    }
    if (
      typeof at === "string" &&
      (at.length < (one.minLength ?? 0) || at.length > (one.maxLength ?? at.length))
    ) {
      faults.push(`${path} is too short or too long`);
    }
    if (Array.isArray(at)) {
      if (at.length < (one.minItems ?? 0) || at.length > (one.maxItems ?? at.length)) {
        faults.push(`${path} has too few or too many items`);
      }
      if (one.items)
        for (const [index, item] of at.entries())
          faults.push(...check(one.items, item, `${path}.${index}`, false));
      return faults;
    }
    if (typeof at !== "object" || at === null) return faults;
    return [...faults, ...fields(one, at as Record<string, unknown>, path, isPart)];
  }

  function fields(one: Schema, at: Record<string, unknown>, path: string, isPart: boolean): string[] {
    const faults = (one.required ?? [])
      .filter((name) => at[name] === undefined)
      .map((name) => `${path}.${name} is missing`);
    const known = namesOf(one, resolve);
    for (const [name, value] of Object.entries(at)) {
      const own = one.properties?.[name];
      if (own) faults.push(...check(own, value, `${path}.${name}`, false));
      else if (typeof one.additionalProperties === "object" && !known?.has(name)) {
        faults.push(...check(one.additionalProperties, value, `${path}.${name}`, false));
      } else if (!isPart && !open && known && !known.has(name)) {
        faults.push(`${path}.${name} is not in its schema`);
      }
    }
    return faults;
  }

  return check(schema, value, "body", false);
}

/** The fields that a schema with all its parts names; null where there may be others. */
function namesOf(one: Schema, resolve: (schema: Schema) => Schema): Set<string> | null {
  if (one.additionalProperties !== undefined && one.additionalProperties !== false) return null;
  const names = new Set(Object.keys(one.properties ?? {}));
  for (const part of one.allOf ?? []) {
    const inside = namesOf(resolve(part), resolve);
    if (!inside) return null;
    for (const name of inside) names.add(name);
  }
  return one.properties === undefined && one.allOf === undefined ? null : names;
}

function isOf(kind: string, value: unknown): boolean {
  switch (kind) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === kind;
  }
}
