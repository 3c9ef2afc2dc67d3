import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Permission } from "../permissions.ts";
import type { PaymentMethod } from "../platform/settings.ts";

/** Of the shop's people, who are few beside its customers. */
export const IS_STAFF = sql`role <> 'customer'`;

export const users = sqliteTable(
  "users",
  {
    id: text("id").primaryKey(),
    /** Trimmed and in lower case, so that each address has one account. */
    email: text("email").notNull().unique(),
    name: text("name").notNull(),
    /** `scrypt$N$r$p$salt$hash`, with salt and hash in base64url. */
    passwordHash: text("password_hash").notNull(),
    /** A fixed role (src/permissions.ts) or a row of `roles`. */
    role: text("role").notNull(),
    disabledAt: integer("disabled_at"),
    /** Their unpaid orders need no approval. */
    trusted: integer("trusted", { mode: "boolean" }).notNull().default(false),
    /** How they may pay; null for every way. */
    paymentMethods: text("payment_methods", { mode: "json" }).$type<PaymentMethod[]>(),
    /** When somebody showed that they read what is sent to `email`. */
    emailVerifiedAt: integer("email_verified_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [index("users_roles").on(table.role).where(IS_STAFF)],
);

/** The shop's own roles, beside those that every shop has. */
export const roles = sqliteTable("roles", {
  name: text("name").primaryKey(),
  permissions: text("permissions", { mode: "json" }).$type<Permission[]>().notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** Programs of the shop's. A key is the shop's, not its maker's: it lives on when they are gone. */
export const apiKeys = sqliteTable("api_keys", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  /** The first characters, by which people tell keys apart. */
  prefix: text("prefix").notNull(),
  /** SHA-256 of the key; the key itself is never stored. */
  hash: text("hash").notNull().unique(),
  scopes: text("scopes", { mode: "json" }).$type<Permission[]>().notNull(),
  createdBy: text("created_by").notNull(),
  createdAt: integer("created_at").notNull(),
  expiresAt: integer("expires_at"),
  /** To the hour, so that a request costs no write. */
  lastUsedAt: integer("last_used_at"),
  revokedAt: integer("revoked_at"),
});

/** While a restore loads `users`: the hashes that stood there, which are newer than those of the backup. */
export const keptPasswords = sqliteTable("kept_passwords", {
  userId: text("user_id").primaryKey(),
  passwordHash: text("password_hash").notNull(),
});

/** A user's address book. */
export const addresses = sqliteTable(
  "addresses",
  {
    id: text("id").primaryKey(),
    userId: text("user_id").notNull(),
    /** As orders have it: `{name, line1, …}`. */
    address: text("address").notNull(),
    isDefault: integer("is_default", { mode: "boolean" }).notNull().default(false),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [index("addresses_user").on(table.userId, table.id)],
);

/** Users whom another server knows, by its own name for them. */
export const identities = sqliteTable(
  "identities",
  {
    issuer: text("issuer").notNull(),
    subject: text("subject").notNull(),
    userId: text("user_id").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.issuer, table.subject] }),
    index("identities_user").on(table.userId),
  ],
);

/** A session begins with a sign-in and has all refresh tokens that follow from it. They are revoked together. */
export const sessions = sqliteTable(
  "sessions",
  {
    id: text("id").primaryKey(),
    userId: text("user_id").notNull(),
    userAgent: text("user_agent"),
    createdAt: integer("created_at").notNull(),
    lastUsedAt: integer("last_used_at").notNull(),
    revokedAt: integer("revoked_at"),
  },
  (table) => [index("sessions_user").on(table.userId)],
);

/** Each refresh token works once. One that comes a second time may have been stolen, and ends its session. */
export const refreshTokens = sqliteTable(
  "refresh_tokens",
  {
    /** SHA-256 of the token; the token itself is never stored. */
    hash: text("hash").primaryKey(),
    sessionId: text("session_id").notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
    usedAt: integer("used_at"),
  },
  (table) => [index("refresh_tokens_expires_at").on(table.expiresAt)],
);
