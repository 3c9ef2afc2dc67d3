import { z } from "zod";
import "./messages.ts";
import { isCurrency } from "./money.ts";
import { accountEmailSchema } from "./text/email.ts";

const count = (fallback: number) => z.coerce.number().int().min(0).default(fallback);
const duration = (fallback: number, minimum = 0) => z.coerce.number().min(minimum).default(fallback);
const flag = (fallback: boolean) =>
  z
    .enum(["true", "false", "1", "0"])
    .default(fallback ? "true" : "false")
    .transform((value) => value === "true" || value === "1");
const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  );
/** The mails that an order's customer may be sent. */
const ORDER_MAILS = ["placed", "paid", "shipped", "cancelled", "refunded"] as const;
export type OrderMail = (typeof ORDER_MAILS)[number];
const orderMails = z
  .string()
  .default(ORDER_MAILS.join())
  .transform((text) => text.split(",").map((name) => name.trim()))
  .pipe(
    z.array(z.enum([...ORDER_MAILS, "none"], { error: `must be of ${ORDER_MAILS.join(", ")}, or none` })),
  );

/** How an order may be paid. */
export const PAYMENT_METHODS = ["card", "invoice", "cash_on_delivery"] as const;
export type PaymentMethod = (typeof PAYMENT_METHODS)[number];
const paymentMethods = list.pipe(
  z.array(z.enum(PAYMENT_METHODS, { error: `must be of ${PAYMENT_METHODS.join(", ")}` })),
);

/** A symmetric secret of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. */
const WEBHOOK_SECRET = /^whsec_(?=.{32,88}$)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const timeZone = z.string().default("UTC").refine(isTimeZone, "is not an IANA time zone");

/** Every setting by its name in the environment. A limit of 0 is off. */
const publicJwk = z.discriminatedUnion("kty", [
  z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string(), kid: z.string().min(1) }),
  z.object({
    ...{ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string() },
    kid: z.string().min(1),
  }),
]);

export type PublicJwk = z.infer<typeof publicJwk>;

/** Private parts are left out, and so are in nothing that is made of it. */
const publicKeys = z
  .string()
  .default("[]")
  .transform((text, context): PublicJwk[] => {
    try {
      return z.array(publicJwk).parse(JSON.parse(text));
    } catch {
      context.addIssue({
        code: "custom",
        message: "is not a JSON array of public Ed25519 or P-256 keys as JWK",
      });
      return z.NEVER;
    }
  });

export const settingsSchema = z
  .object({
    /** Who forgets it is in production: only `npm start`, tests and benches say `development`. */
    ENVIRONMENT: z.enum(["development", "production"]).default("production"),
    /** Orders a minute per user, guests per address. */
    ORDERS_PER_MINUTE: count(5),
    /** Orders a minute per address, whoever is signed in there; `ORDERS_PER_MINUTE` where it is not set. */
    ORDERS_PER_MINUTE_PER_ADDRESS: z.coerce.number().int().min(0).optional(),
    /** New accounts an hour per address. */
    REGISTRATIONS_PER_HOUR: count(20),
    SUGGESTIONS_PER_MINUTE: count(20),
    /** Look-ups of orders by reference and e-mail, and requests for a new password, a minute per address, and per e-mail. */
    LOOKUPS_PER_MINUTE: count(5),
    /** Sign-ins a minute per address. 0 also switches off the delay after wrong passwords. */
    SIGN_INS_PER_MINUTE: count(20),
    /** Requests a minute per user or address: the flood guard. */
    REQUESTS_PER_MINUTE: count(600),
    /** Messages of payment providers, a minute per address. */
    WEBHOOKS_PER_MINUTE: count(6_000),
    ORDER_EXPIRATION_MINUTES: duration(30),
    /** The age at which a hold asks for its claim's fate. */
    HOLD_SECONDS: duration(60, 5),
    DELAYED_AFTER_MINUTES: duration(60),
    DELAYED_RETRIES: count(3),
    RETENTION_DAYS: duration(90),
    /** Where the D1 database is, as `wrangler d1 create --location` takes it: orders are gathered there. */
    DATABASE_LOCATION: z.enum(["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"]).optional(),
    TIME_ZONE: timeZone,
    CURRENCY: z.string().default("USD").refine(isCurrency, "is not an ISO 4217 currency"),
    FULFILMENT: z.enum(["simulated", "manual"]).optional(),
    FULFILMENT_STEP_SECONDS: duration(5),
    GUEST_CHECKOUT: flag(true),
    /** How guests may pay, comma-separated: in production by card, in development in every way. */
    GUEST_PAYMENT_METHODS: paymentMethods,
    /** Units of one product in an order of guests and customers: 1,000 in production, in development off. */
    MAX_UNITS_PER_LINE: z.coerce.number().int().min(0).optional(),
    /**
     * Units in orders that wait (`pending`), of one e-mail address and of one address together: 2,000 in production, in
     * development off.
     */
    MAX_UNPAID_UNITS: z.coerce.number().int().min(0).optional(),
    /** How long an unpaid order by invoice or on delivery waits for staff's approval: 48 in production, in development 0. */
    APPROVAL_HOURS: z.coerce.number().min(0).optional(),
    ADMIN_EMAIL: accountEmailSchema.optional(),
    ADMIN_PASSWORD: z.string().min(10).optional(),
    MAIL_FROM: z.string().default("Holdfast <orders@holdfast.example>"),
    /** Which mails an order's customer is sent, comma-separated; `none`. */
    ORDER_MAILS: orderMails,
    /** Where the storefront is: mails link there. */
    SHOP_URL: z.url({ protocol: /^https?$/, error: "is not an http(s) URL" }).optional(),
    /** What a mail's link to an order opens, with `{order_id}` and `{token}` in it, where that is not its own place in the shop. */
    ORDER_URL: z
      .string()
      .refine(
        (url) => /^https?:\/\/./.test(url) && url.includes("{order_id}"),
        "is no http(s) URL with {order_id} in it",
      )
      .optional(),
    CORS_ORIGINS: list,
    ALLOWED_HOSTS: list,
    METRICS_TOKEN: z.string().optional(),
    /** A private EdDSA or ES256 key as JWK (JSON) or PKCS #8 PEM; several, the newest first, as a JSON array. */
    JWT_PRIVATE_KEY: z.string({ error: "is missing" }).min(1),
    /** Public keys (JWK, a JSON array) that sign no more, whose tokens are still accepted: `npm run keys -- rotate`. */
    JWT_ACCEPTED_KEYS: publicKeys,
    /** Another server's access tokens are accepted too: its issuer, where its keys are, and for whom its tokens must be. */
    AUTH_ISSUER: z.string().min(1).optional(),
    AUTH_JWKS_URL: z.url({ protocol: /^https?$/, error: "is not an http(s) URL" }).optional(),
    AUTH_AUDIENCE: z.string().min(1).optional(),
    /** Encrypts in a backup what opens accounts and payments; without it, that is in none. */
    BACKUP_KEY: z.string().min(32).optional(),
    /** The provider of new payments. Webhooks of the others are still accepted if their secret is set. */
    PAYMENT_PROVIDER: z.enum(["standard", "stripe"]).default("standard"),
    /** How long what a provider told may wait for the message that explains it, before it reaches staff. */
    PAYMENT_EVENT_WAIT_HOURS: duration(24),
    /** Of the `standard` provider; several, comma-separated, while a new secret replaces an old one. */
    PAYMENT_WEBHOOK_SECRET: list.refine(
      (secrets) => secrets.every((secret) => WEBHOOK_SECRET.test(secret)),
      "must be whsec_ and 24 to 64 bytes in base64; several are comma-separated",
    ),
    STRIPE_SECRET_KEY: z.string().optional(),
    /** Several, comma-separated, while a new secret replaces an old one. */
    STRIPE_WEBHOOK_SECRET: list,
    /** Another host with Stripe's API: a stub, for tests. */
    STRIPE_API_URL: z.url({ protocol: /^https?$/, error: "is not an http(s) URL" }).optional(),
  })
  .transform((settings) => {
    const { ENVIRONMENT, FULFILMENT, GUEST_PAYMENT_METHODS } = settings;
    const { MAX_UNITS_PER_LINE, MAX_UNPAID_UNITS, APPROVAL_HOURS } = settings;
    const by = <T>(production: T, development: T): T =>
      ENVIRONMENT === "production" ? production : development;
    return {
      ...settings,
      FULFILMENT: FULFILMENT ?? by("manual" as const, "simulated" as const),
      GUEST_PAYMENT_METHODS:
        GUEST_PAYMENT_METHODS.length > 0
          ? GUEST_PAYMENT_METHODS
          : by<readonly PaymentMethod[]>(["card"], PAYMENT_METHODS),
      MAX_UNITS_PER_LINE: MAX_UNITS_PER_LINE ?? by(1_000, 0),
      MAX_UNPAID_UNITS: MAX_UNPAID_UNITS ?? by(2_000, 0),
      APPROVAL_HOURS: APPROVAL_HOURS ?? by(48, 0),
    };
  });

export type Settings = z.infer<typeof settingsSchema>;

export type SettingsResult =
  | { kind: "valid"; settings: Settings }
  | { kind: "misconfigured"; faults: { setting: string; message: string }[] };

/** Defaults that are not allowed in production. */
const developmentDefaults: { setting: keyof Settings; fault: (settings: Settings) => boolean }[] = [
  { setting: "MAIL_FROM", fault: (settings) => settings.MAIL_FROM.includes("holdfast.example") },
];

/**
 * The secrets that the chosen provider needs and that are not set. In development the `standard` provider's may be missing,
 * because `npm start` makes one. Stripe's cannot be made.
 */
function missingSecrets(settings: Settings): (keyof Settings)[] {
  switch (settings.PAYMENT_PROVIDER) {
    case "stripe":
      return [
        ...(settings.STRIPE_SECRET_KEY === undefined ? ["STRIPE_SECRET_KEY" as const] : []),
        ...(settings.STRIPE_WEBHOOK_SECRET.length === 0 ? ["STRIPE_WEBHOOK_SECRET" as const] : []),
      ];
    case "standard":
      return settings.ENVIRONMENT === "production" && settings.PAYMENT_WEBHOOK_SECRET.length === 0
        ? ["PAYMENT_WEBHOOK_SECRET"]
        : [];
  }
}

const answers = new WeakMap<object, SettingsResult>();

/** Reads the settings from a Worker's environment. Each environment object is checked once. */
export function readSettings(env: object): SettingsResult {
  const known = answers.get(env);
  if (known) return known;
  const result = checkSettings(env);
  answers.set(env, result);
  return result;
}

export function checkSettings(env: object): SettingsResult {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = settingsSchema.safeParse(given);
  if (parsed.success) {
    const faults = faultsTogether(parsed.data);
    return faults.length > 0 ? { kind: "misconfigured", faults } : { kind: "valid", settings: parsed.data };
  }
  const faults = parsed.error.issues.map((issue) => ({
    setting: String(issue.path[0]),
    message: issue.message,
  }));
  // What is right by itself may be wrong together with the rest: all that is wrong is told at once.
  const wrong = new Set(faults.map(({ setting }) => setting));
  const others = Object.fromEntries(Object.entries(given).filter(([name]) => !wrong.has(name)));
  const rest = settingsSchema.safeParse({ ...others, JWT_PRIVATE_KEY: given.JWT_PRIVATE_KEY ?? "missing" });
  const more = rest.success ? faultsTogether(rest.data).filter(({ setting }) => !wrong.has(setting)) : [];
  return { kind: "misconfigured", faults: [...faults, ...more] };
}

const OF_ANOTHER_SERVER = ["AUTH_ISSUER", "AUTH_JWKS_URL", "AUTH_AUDIENCE"] as const;

/** All three or none: a key set without an audience would let in whoever another service was meant for. */
function missingOfAnotherServer(settings: Settings): (keyof Settings)[] {
  const absent = OF_ANOTHER_SERVER.filter((name) => settings[name] === undefined);
  return absent.length === OF_ANOTHER_SERVER.length ? [] : absent;
}

/** What is wrong with settings of which each is right by itself. */
function faultsTogether(settings: Settings): { setting: string; message: string }[] {
  const missing = [...missingSecrets(settings), ...missingOfAnotherServer(settings)].map((setting) => ({
    setting,
    message: "is missing",
  }));
  if (settings.ENVIRONMENT !== "production") return missing;
  // Whoever stands between would say by which keys tokens are signed.
  const unsafe = settings.AUTH_JWKS_URL?.startsWith("http:")
    ? [{ setting: "AUTH_JWKS_URL", message: "must be https in production" }]
    : [];
  return [...missing, ...unsafe, ...defaultsLeft(settings)];
}

const defaultsLeft = (settings: Settings) =>
  developmentDefaults
    .filter(({ fault }) => fault(settings))
    .map(({ setting }) => ({ setting, message: "is still the development default" }));

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
