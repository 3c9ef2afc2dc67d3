import { z } from "@hono/zod-openapi";

/** The most that an address may have, by RFC 5321 with its erratum 1690, and of that before the `@`. */
const MAX_LENGTH = 254;
const MAX_LOCAL_LENGTH = 64;
const MAX_DOMAIN_LENGTH = 253;

/** RFC 5321, 4.1.2: atoms with dots between them. Quoted local parts are allowed there, and nobody has one. */
const LOCAL = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;
/** Labels of letters, digits and dashes; the top level has a letter. `xn--…` is such a label too. */
const DOMAIN =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export type ReadEmail = { kind: "email"; email: string } | { kind: "invalid"; message: string };

/**
 * Reads an address as people give it: blanks around it are nothing, and a domain of other letters is brought to the form in
 * which servers know it (punycode). All else stays as it came.
 */
export function readEmail(text: string): ReadEmail {
  const given = text.trim();
  const at = given.lastIndexOf("@");
  const local = given.slice(0, Math.max(at, 0));
  const domain = asciiDomain(given.slice(at + 1));
  const email = `${local}@${domain}`;
  if (at > 0 && /[^\p{ASCII}]/u.test(local)) {
    return {
      kind: "invalid",
      message:
        "has letters before the @ that mail servers do not all take: only A to Z, digits and signs are accepted there",
    };
  }
  const isEmail =
    LOCAL.test(local) &&
    local.length <= MAX_LOCAL_LENGTH &&
    domain !== null &&
    domain.length <= MAX_DOMAIN_LENGTH &&
    DOMAIN.test(domain.toLowerCase()) &&
    email.length <= MAX_LENGTH;
  return isEmail ? { kind: "email", email } : { kind: "invalid", message: "is not an e-mail address" };
}

/** A domain in punycode; null where it is none. */
function asciiDomain(domain: string): string | null {
  // What a URL would take for something else than a host is no domain.
  if (domain === "" || /[\s/?#@:\\[\]%<>^|]/.test(domain)) return null;
  if (/^\p{ASCII}*$/u.test(domain)) return domain;
  try {
    return new URL(`http://${domain}`).hostname;
  } catch {
    return null;
  }
}

/** An e-mail address, everywhere alike. */
export const emailSchema = z
  .string()
  .max(1_000)
  .transform((text, context): string => {
    const read = readEmail(text);
    if (read.kind === "email") return read.email;
    context.addIssue({ code: "custom", message: read.message });
    return z.NEVER;
  })
  .openapi({ type: "string", format: "email", example: "ada@shop.example" });

/** An address that is only looked for, in the form in which it is kept. What is no address finds nobody. */
export const lookedUpEmailSchema = z
  .string()
  .trim()
  .max(MAX_LENGTH)
  .transform((text) => {
    const read = readEmail(text);
    return (read.kind === "email" ? read.email : text).toLowerCase();
  });

/** The same as `emailSchema`, in small letters: of accounts, which people find by it however they write it. */
export const accountEmailSchema = emailSchema.transform((email) => email.toLowerCase());

/**
 * What stands for the domain of an address that was erased: no mail reaches it (RFC 2606), and the part before it still tells one
 * owner from another.
 */
export const ERASED_DOMAIN = "@erased.invalid";

/** Of a user whose address nobody knows. */
export const NO_DOMAIN = "@unknown.invalid";

export const isErased = (email: string): boolean => email.endsWith(ERASED_DOMAIN);
