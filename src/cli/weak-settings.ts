import type { SettingsText } from "./local-settings.ts";

/** A rule for a setting's value, with what is wrong with one that breaks it. */
interface Rule {
  names: string[];
  fault: (value: string) => string | null;
}

const MIN_TOKEN = 24;
const MIN_BACKUP_KEY = 32;
const MIN_ADMIN_PASSWORD = 14;

const each = (value: string): string[] =>
  value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

/** The URL that a text is, read as a browser does; null where it is none. */
const urlOf = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null);

const isOrigin = (text: string): boolean =>
  text === "*" || (/^https?:/.test(text) && urlOf(text)?.origin === text);

const isHost = (text: string): boolean =>
  text === "*" || (/^[^/@?#\s]+$/.test(text) && urlOf(`ftp://${text}`)?.host === text.toLowerCase());

const named = (wrong: string[], what: string): string | null =>
  wrong.length === 0 ? null : `${what}: ${wrong.join(", ")}`;

/** What can be of no use to anybody. */
const UNUSABLE: Rule[] = [
  {
    names: ["CORS_ORIGINS"],
    fault: (value) =>
      named(
        each(value).filter((part) => !isOrigin(part)),
        "has what is no origin, as https://shop.example is",
      ),
  },
  {
    names: ["ALLOWED_HOSTS"],
    fault: (value) =>
      named(
        each(value).filter((part) => !isHost(part)),
        "has what is no host name, as api.shop.example is",
      ),
  },
  {
    names: ["MAIL_FROM"],
    fault: (value) =>
      /(^|<)[^\s<>@]+@[^\s<>@]+>?$/.test(value.trim()) ? null : "has no e-mail address to send from",
  },
];

/** What a shop in the internet must not run with, though it would. */
const WEAK: Rule[] = [
  {
    names: ["METRICS_TOKEN"],
    fault: (value) =>
      isGuessable(value, MIN_TOKEN) ? `must have ${MIN_TOKEN} random characters at least` : null,
  },
  {
    names: ["BACKUP_KEY"],
    fault: (value) =>
      isGuessable(value, MIN_BACKUP_KEY) ? `must have ${MIN_BACKUP_KEY} random characters at least` : null,
  },
  {
    names: ["ADMIN_PASSWORD"],
    fault: (value) =>
      isGuessable(value, MIN_ADMIN_PASSWORD)
        ? `must have ${MIN_ADMIN_PASSWORD} characters at least, not the same ones`
        : null,
  },
  {
    names: ["CORS_ORIGINS", "ALLOWED_HOSTS"],
    fault: (value) => (each(value).includes("*") ? "must name them: * is everybody" : null),
  },
  {
    names: ["CORS_ORIGINS"],
    fault: (value) =>
      named(
        each(value).filter((part) => part.startsWith("http:")),
        "must be https, or who is on the way reads along",
      ),
  },
  {
    names: ["SHOP_URL", "ORDER_URL", "STRIPE_API_URL"],
    fault: (value) => (/^https:/i.test(value) ? null : "must be https, or who is on the way reads along"),
  },
];

/** Few characters, or few different ones. */
const isGuessable = (value: string, least: number): boolean =>
  value.length < least || new Set(value).size < 6;

/**
 * What the Worker runs with and should not. It is told before a deployment, and not by requests that are answered 503: a
 * shop must not go down because an upgrade thinks its settings weak.
 */
export const weakSettings = (settings: SettingsText, production: boolean): string[] =>
  (production ? [...UNUSABLE, ...WEAK] : UNUSABLE).flatMap(({ names, fault }) =>
    names.flatMap((name) => {
      const wrong = settings[name] ? fault(settings[name]) : null;
      return wrong === null ? [] : [`${name} ${wrong}`];
    }),
  );
