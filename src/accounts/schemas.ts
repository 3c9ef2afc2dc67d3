import { z } from "@hono/zod-openapi";
import { KEY_SCOPES, PERMISSION_NAMES } from "../permissions.ts";
import { decodeCursor, listSchema, pageQuerySchema } from "../platform/pagination.ts";
import { PAYMENT_METHODS } from "../platform/settings.ts";
import { accountEmailSchema, lookedUpEmailSchema } from "../platform/text/email.ts";
import { line } from "../platform/text/line.ts";
import { postalAddressSchema } from "../platform/text/postal-address.ts";
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from "./password.ts";

/** Begins with a letter, so that no role looks like a number or an option of a command. */
const roleName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, "must be 1 to 40 small letters, digits and hyphens, a letter first")
  .openapi({ example: "warehouse" });

const role = z.string().openapi({ description: "The name of a role", example: "customer" });

const permissions = z
  .array(z.enum(PERMISSION_NAMES))
  .max(PERMISSION_NAMES.length)
  .openapi({ description: "Who may write something may read it", example: ["orders:read"] });

export const roleSchema = z
  .object({
    name: roleName,
    permissions,
    fixed: z.boolean().openapi({ description: "Every shop has it, and nobody changes it" }),
    created_at: z.iso.datetime().nullable(),
    updated_at: z.iso.datetime().nullable(),
  })
  .openapi("Role");

export const roleListSchema = listSchema(roleSchema, "RoleList");

export const newRoleSchema = z
  .strictObject({ name: roleName.openapi({ example: "florist" }), permissions })
  .openapi("NewRole");

export const changeRoleSchema = z.strictObject({ permissions: permissions.optional() }).openapi("ChangeRole");

const isDefault = z.boolean().openapi({ description: "The one that a storefront fills in" });

const EXAMPLE_ADDRESS = {
  name: "Ada Lovelace",
  line1: "12 St James's Square",
  city: "London",
  country: "GB",
};

export const addressSchema = z
  .object({
    id: z.string(),
    ...postalAddressSchema.shape,
    default: isDefault,
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .openapi("Address");

export const addressListSchema = listSchema(addressSchema, "AddressList");

export const newAddressSchema = postalAddressSchema
  .extend({ default: isDefault.default(false) })
  .openapi("NewAddress", { example: EXAMPLE_ADDRESS });

export type NewAddress = z.infer<typeof newAddressSchema>;

const { line2, region, postal_code, ...needed } = postalAddressSchema.shape;

export const editAddressSchema = z
  .strictObject({ ...needed, default: isDefault })
  .partial()
  .extend({ line2: line2.nullable(), region: region.nullable(), postal_code: postal_code.nullable() })
  .openapi("EditAddress", { example: { postal_code: "SW1Y 4JH", default: true } });

export type EditAddress = z.infer<typeof editAddressSchema>;

const name = line(200).openapi({ example: "Ada Lovelace" });

const newPassword = z
  .string()
  .min(MIN_PASSWORD_LENGTH)
  .max(MAX_PASSWORD_LENGTH)
  .openapi({ format: "password" });

/** A password that is only compared. It need not keep today's rules, so that a wrong one is a 401 and not a 422. */
const givenPassword = z.string().min(1).max(1000).openapi({ format: "password" });

export const registerSchema = z
  .strictObject({
    email: accountEmailSchema.openapi({ type: "string", format: "email", example: "ada@shop.example" }),
    password: newPassword,
    name,
  })
  .openapi("Registration");

export const signInSchema = z
  .strictObject({
    email: z
      .string()
      .trim()
      .min(1)
      .pipe(lookedUpEmailSchema)
      .openapi({ type: "string", example: "ada@shop.example" }),
    password: givenPassword,
  })
  .openapi("Credentials");

export const askForResetSchema = z
  .strictObject({ email: signInSchema.shape.email })
  .openapi("AskForPasswordReset");

export const resetPasswordSchema = z
  .strictObject({
    token: z.string().min(1).max(2_000).openapi({ example: "TOKEN_OF_A_MAIL" }),
    password: newPassword,
  })
  .openapi("ResetPassword");

export const verifyEmailSchema = z
  .strictObject({ token: resetPasswordSchema.shape.token })
  .openapi("VerifyEmail");

export const refreshSchema = z
  .strictObject({ refresh_token: z.string().min(1).max(200) })
  .openapi("RefreshToken");

const userSchema = z
  .object({
    id: z.string().openapi({ example: "usr_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    email: z.string(),
    name: z.string(),
    role,
  })
  .openapi("User");

export const tokensSchema = z
  .object({
    user: userSchema,
    access_token: z.string(),
    refresh_token: z.string().openapi({ description: "Works once: each renewal gives the next" }),
    token_type: z.literal("Bearer"),
    expires_in: z.int().openapi({ description: "Seconds that the access token is good for", example: 900 }),
  })
  .openapi("Tokens");

export const signedInSchema = tokensSchema
  .extend({
    cart_id: z
      .string()
      .optional()
      .openapi({ description: "The user's cart that has what was in the guest's of X-Cart-Token" }),
  })
  .openapi("SignedIn");

export const cartTokenHeader = z.object({
  "x-cart-token": z
    .string()
    .optional()
    .openapi({ description: "A guest's cart becomes the user's; a token that opens none is ignored" }),
});

const trusted = z
  .boolean()
  .openapi({ description: "Unpaid orders by invoice and on delivery are confirmed at once" });
const paymentMethods = z
  .array(z.enum(PAYMENT_METHODS))
  .nullable()
  .openapi({ description: "How this customer may pay; null for every way", example: ["card", "invoice"] });

export const accountSchema = userSchema
  .extend({
    disabled: z.boolean(),
    trusted,
    payment_methods: paymentMethods,
    email_verified: z.boolean().openapi({ description: "Somebody has opened the link that was sent there" }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .openapi("Account");

export const accountListSchema = listSchema(accountSchema, "AccountList");

export const editMeSchema = z.strictObject({ name: name.optional() }).openapi("EditMe");

export const changePasswordSchema = z
  .strictObject({ current_password: givenPassword, new_password: newPassword })
  .openapi("ChangePassword");

export const sessionListSchema = listSchema(
  z.object({
    id: z.string().openapi({ example: "ses_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    user_agent: z.string().nullable(),
    current: z.boolean().openapi({ description: "The one that asks" }),
    created_at: z.iso.datetime(),
    last_used_at: z.iso.datetime(),
  }),
  "SessionList",
);

const scopes = z
  .array(z.enum(KEY_SCOPES))
  .min(1)
  .max(KEY_SCOPES.length)
  .openapi({ description: "The permissions that the key has", example: ["orders:read"] });

export const apiKeySchema = z
  .object({
    id: z.string().openapi({ example: "key_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    name: z.string().openapi({ example: "The warehouse's scanner" }),
    prefix: z.string().openapi({ description: "How the key begins", example: "hf_kH3x9Qv2" }),
    scopes,
    created_by: z.string().openapi({ example: "usr_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().nullable(),
    last_used_at: z.iso.datetime().nullable().openapi({ description: "To the hour" }),
    revoked_at: z.iso.datetime().nullable(),
  })
  .openapi("ApiKey");

export const apiKeyListSchema = listSchema(apiKeySchema, "ApiKeyList");

export const madeApiKeySchema = apiKeySchema
  .extend({
    secret: z.string().optional().openapi({
      description: "The key itself, for `Authorization: Bearer …`. It is told once: a repeat has none",
      example: "hf_kH3x9Qv2mT8bR5wY1nZ7cL4dF6gJ0pS3aV9eU2iO5xK",
    }),
  })
  .openapi("MadeApiKey");

export const newApiKeySchema = z
  .strictObject({
    name: line(100).openapi({ example: "The warehouse's scanner" }),
    scopes,
    expires_at: z.iso
      .datetime()
      .nullish()
      .openapi({ description: "When it ends by itself; null: never", example: "2027-11-20T12:00:00.000Z" }),
  })
  .openapi("NewApiKey");

/** A page query that accepts only our cursors. */
export const cursorQuerySchema = pageQuerySchema.extend({
  cursor: pageQuerySchema.shape.cursor.refine(
    (text) => text === undefined || decodeCursor(text) !== null,
    "is not a cursor of this list",
  ),
});

export const listUsersSchema = cursorQuerySchema.extend({
  email: lookedUpEmailSchema.optional().openapi({ type: "string", description: "The one with this address" }),
});

export type ListUsersQuery = z.infer<typeof listUsersSchema>;

export const editUserSchema = z
  .strictObject({
    role: role.max(40).optional(),
    disabled: z.boolean().optional(),
    trusted: trusted.optional(),
    payment_methods: paymentMethods.optional(),
  })
  .openapi("EditUser");

export type EditUser = z.infer<typeof editUserSchema>;
