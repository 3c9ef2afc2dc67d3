import { z } from "@hono/zod-openapi";
import { countrySchema } from "../country.ts";
import { line } from "./line.ts";

/** Where something is sent to, in a request. */
export const postalAddressSchema = z.strictObject({
  name: line(200),
  line1: line(200),
  line2: line(200).optional(),
  city: line(100),
  region: line(100).optional(),
  postal_code: line(20).optional(),
  country: countrySchema,
});
