import { z } from "zod";

/**
 * What a person reads where zod found a fault: one map for all schemas, in words of JSON, with the field's own rule
 * (`is required: a whole number from 1 to 100`). A schema's own message goes before it. It is set for the whole program,
 * since zod would otherwise speak of its own types.
 */
z.config({ customError: messageOf });

type Issue = z.core.$ZodRawIssue;

function messageOf(issue: Issue): string {
  const schema = schemaOf(issue);
  const rule = schema && ruleOf(schema);
  switch (issue.code) {
    case "unrecognized_keys":
      if (schema) noteNames(issue.keys, schema);
      return "has a field that is not known here";
    case "invalid_key":
      return `has a name that is not allowed: ${issue.issues[0]?.message ?? "it is wrong"}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "custom":
      return OF_TEXT[issue.params?.fault as TextFault] ?? "is wrong";
    default:
      if (issue.input === undefined) return rule ? `is required: ${rule}` : "is required";
      return rule ? `must be ${rule}` : "is wrong";
  }
}

/** What can be wrong with the characters of a text (text/line.ts). */
const OF_TEXT = {
  controls: "must be one line, without control characters",
  controls_in_lines: "must have no control characters but line breaks and tabs",
  unseen: "must have something that can be seen",
  lone_zero_width: "must have zero-width characters only between letters, digits or emoji",
};
export type TextFault = keyof typeof OF_TEXT;

/** A check's issue names the check; the schema that has it is beside it. */
function schemaOf(issue: Issue): z.core.$ZodType | null {
  const { schema, inst } = issue as { schema?: unknown; inst?: unknown };
  return [schema, inst].find(isSchema) ?? null;
}

const isSchema = (thing: unknown): thing is z.core.$ZodType =>
  (thing as z.core.$ZodType | undefined)?._zod?.traits?.has("$ZodType") ?? false;

const names = new WeakMap<string[], string[]>();

function noteNames(keys: string[], schema: z.core.$ZodType): void {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "object") names.set(keys, Object.keys(def.shape));
}

/** The fields that the object of an issue has. @param keys the `keys` of the issue: those that it does not have */
export const knownNames = (keys: string[]): string[] => names.get(keys) ?? [];

const rules = new WeakMap<z.core.$ZodType, string | null>();

/** What a value must be; null where there is nothing to be said. Made once for each schema: it is only asked at a fault. */
function ruleOf(schema: z.core.$ZodType): string | null {
  const known = rules.get(schema);
  if (known !== undefined) return known;
  const rule = describe(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
  rules.set(schema, rule);
  return rule;
}

type Described = z.core.JSONSchema.JSONSchema;

function describe(rule: Described): string | null {
  const values = rule.enum ?? (rule.const === undefined ? null : [rule.const]);
  if (values) return values.length === 1 ? `${values[0]}` : `one of ${values.join(", ")}`;
  const choices = rule.anyOf ?? rule.oneOf;
  if (choices) {
    const each = choices.map((choice) => (typeof choice === "object" ? describe(choice) : null));
    return each.every((one) => one !== null) ? [...new Set(each)].join(" or ") : null;
  }
  switch (rule.type) {
    case "string":
      return describeText(rule);
    case "integer":
      return `a whole number${between(limit(rule.minimum), limit(rule.maximum), "from ")}`;
    case "number":
      return `a number${between(limit(rule.minimum), limit(rule.maximum), "from ")}`;
    case "boolean":
      return "true or false";
    case "array":
      return `a list${between(rule.minItems, rule.maxItems, "of ", " items")}`;
    case "object":
      return rule.required?.length ? `an object with ${rule.required.join(", ")}` : "an object";
    case "null":
      return "null";
    default:
      return null;
  }
}

const FORMATS: Record<string, string> = {
  email: "an e-mail address",
  date: "a date such as 2026-11-20",
  "date-time": "a stamp such as 2026-11-20T12:00:00Z",
};

const describeText = ({ format, minLength, maxLength }: Described): string =>
  FORMATS[format ?? ""] ?? `text${between(minLength, maxLength, "of ", " characters")}`;

/** The bounds that every whole number has are no rule of the field. */
const limit = (bound: number | undefined): number | undefined =>
  bound === undefined || Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : bound;

function between(
  least: number | undefined,
  most: number | undefined,
  before: string,
  unit: string = "",
): string {
  if (least !== undefined && most !== undefined) {
    return least === most ? ` ${before}${least}${unit}` : ` ${before}${least} to ${most}${unit}`;
  }
  const of = unit === "" ? "" : before;
  if (most !== undefined) return unit === "" ? ` up to ${most}` : ` ${of}at most ${most}${unit}`;
  if (least === undefined) return "";
  return unit === "" ? ` from ${least}` : ` ${of}at least ${least}${unit}`;
}
