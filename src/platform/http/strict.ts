import type { z } from "@hono/zod-openapi";

/**
 * The objects in a schema that would take a field which they do not know, by their dotted path. What is free on purpose is
 * a record, or unknown.
 */
export function looseObjects(schema: z.core.$ZodType, path: string): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object": {
      const isStrict = def.catchall?._zod.def.type === "never";
      const inside = Object.entries(def.shape).flatMap(([name, field]) =>
        looseObjects(field, `${path}.${name}`),
      );
      return isStrict ? inside : [path, ...inside];
    }
    case "array":
      return looseObjects(def.element, `${path}.0`);
    case "record":
      return looseObjects(def.valueType, `${path}.*`);
    case "tuple":
      return def.items.flatMap((item, index) => looseObjects(item, `${path}.${index}`));
    case "union":
      return def.options.flatMap((option) => looseObjects(option, path));
    case "intersection":
      return [...looseObjects(def.left, path), ...looseObjects(def.right, path)];
    case "pipe":
      return [...looseObjects(def.in, path), ...looseObjects(def.out, path)];
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "nonoptional":
    case "catch":
    case "readonly":
      return looseObjects(def.innerType, path);
    case "lazy":
      // It may contain itself, so this could go on for ever.
      return [path];
    default:
      return [];
  }
}

/** Throws where a schema of a request is not strict: then no Worker starts, and no test passes. */
export function mustBeStrict<S extends z.core.$ZodType>(schema: S, what: string): S {
  const loose = looseObjects(schema, what);
  if (loose.length > 0)
    throw new Error(`takes unknown fields, so make it z.strictObject: ${loose.join(", ")}`);
  return schema;
}
