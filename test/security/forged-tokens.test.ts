import { env } from "cloudflare:workers";
import { createHmac, randomBytes } from "node:crypto";
import {
  base64url,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from "jose";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { keyRing } from "../../src/accounts/keys.ts";
import { signToken } from "../../src/accounts/signed-token.ts";
import { signLinkToken } from "../../src/orders/read/link-token.ts";
import { readSettings } from "../../src/platform/settings.ts";
import { testContext } from "../events/context.ts";
import { read, refusalOf } from "../orders/ask.ts";
import { givenSold } from "../orders/fulfilment/staff.ts";
import { testClock } from "../support/clock.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";

/**
 * Tokens that are not ours, or not for this: each is a 401, for an admin's page and for one that needs no token. The forms are
 * those of RFC 8725 and of the published attacks on libraries.
 */

type Forge = (given: Given) => string | Promise<string>;

interface Given {
  /** A good token of an admin, and its parts. */
  admin: SignedIn;
  header: Record<string, unknown>;
  claims: JWTPayload;
  signature: string;
  /** The claims signed by our own key, with a header and claims of its own. */
  own: (header: Record<string, unknown>, claims?: JWTPayload) => Promise<string>;
  /** The claims signed by a key of somebody else. */
  foreign: (header: Record<string, unknown>, claims?: JWTPayload) => Promise<string>;
  publicJwk: Record<string, unknown>;
}

const encode = (value: unknown): string =>
  base64url.encode(typeof value === "string" ? value : JSON.stringify(value));
const joined = (header: unknown, claims: unknown, signature: string): string =>
  `${encode(header)}.${encode(claims)}.${signature}`;

const hmac = (bits: 256 | 384 | 512, header: object, claims: object, secret: string | Buffer): string => {
  const signed = `${encode({ ...header, alg: `HS${bits}` })}.${encode(claims)}`;
  return `${signed}.${createHmac(`sha${bits}`, secret).update(signed).digest("base64url")}`;
};

const seconds = () => Math.floor(testClock.now() / 1_000);
const HOUR = 3_600;

const FORGED: Record<string, Forge> = {
  // No JWT at all.
  "nothing but dots": () => "..",
  "one word": () => "secret",
  "two parts": ({ header, claims }) => `${encode(header)}.${encode(claims)}`,
  "five parts, as an encrypted one": ({ admin }) => `${admin.token}.${admin.token.split(".")[0]}.x`,
  "a good one twice": ({ admin }) => `${admin.token}${admin.token}`,
  "a good one cut short": ({ admin }) => admin.token.slice(0, -1),
  "a good one with a letter more": ({ admin }) => `${admin.token}A`,
  "a good one in base64 with padding": ({ admin }) => `${admin.token}==`,
  "a good one whose last letter says the same": ({ admin }) => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return `${admin.token.slice(0, -1)}${letters[letters.indexOf(admin.token.at(-1) ?? "") + 1]}`;
  },
  "a header that is no JSON": ({ claims, signature }) => joined("{alg", claims, signature),
  "claims that are no JSON": ({ header, signature }) => joined(header, "{sub", signature),
  "claims that are a list": ({ header, signature }) => joined(header, [], signature),
  "a header of 100 KB": ({ header, claims, signature }) =>
    joined({ ...header, x: "x".repeat(100_000) }, claims, signature),
  // No signature, or none that is checked.
  "alg none": ({ header, claims }) => joined({ ...header, alg: "none" }, claims, ""),
  "alg None": ({ header, claims }) => joined({ ...header, alg: "None" }, claims, ""),
  "alg nOnE": ({ header, claims }) => joined({ ...header, alg: "nOnE" }, claims, ""),
  "alg NONE with the old signature": ({ header, claims, signature }) =>
    joined({ ...header, alg: "NONE" }, claims, signature),
  "alg empty": ({ header, claims }) => joined({ ...header, alg: "" }, claims, ""),
  "alg null": ({ header, claims, signature }) => joined({ ...header, alg: null }, claims, signature),
  "no alg": ({ header: { alg, ...header }, claims, signature }) => joined(header, claims, signature),
  "alg as a list": ({ header, claims, signature }) =>
    joined({ ...header, alg: ["EdDSA"] }, claims, signature),
  "no signature": ({ header, claims }) => joined(header, claims, ""),
  "a signature of zeros": ({ header, claims }) => joined(header, claims, base64url.encode(Buffer.alloc(64))),
  "a signature of chance": ({ header, claims }) =>
    joined(header, claims, randomBytes(64).toString("base64url")),
  // What was signed is changed.
  "another user": ({ header, claims, signature }) =>
    joined(header, { ...claims, sub: "usr_other" }, signature),
  "a higher role": ({ header, claims, signature }) => joined(header, { ...claims, role: "owner" }, signature),
  "a later end": ({ header, claims, signature }) =>
    joined(header, { ...claims, exp: seconds() + 99 * HOUR }, signature),
  "a name written twice": ({ header, claims, signature }) =>
    joined(header, `${JSON.stringify(claims).slice(0, -1)},"sub":"usr_other"}`, signature),
  "a header with one thing more": ({ header, claims, signature }) =>
    joined({ ...header, x: 1 }, claims, signature),
  // Another algorithm, with what is public for its secret.
  "HS256 by the public key": ({ header, claims, publicJwk }) =>
    hmac(256, header, claims, JSON.stringify(publicJwk)),
  "HS256 by the public key's x": ({ header, claims, publicJwk }) =>
    hmac(256, header, claims, Buffer.from(String(publicJwk.x), "base64url")),
  "HS384 by the public key": ({ header, claims, publicJwk }) =>
    hmac(384, header, claims, JSON.stringify(publicJwk)),
  "HS512 by an empty secret": ({ header, claims }) => hmac(512, header, claims, ""),
  "HS256 by the key's name": ({ header, claims }) => hmac(256, header, claims, String(header.kid)),
  "another algorithm's name": ({ header, claims, signature }) =>
    joined({ ...header, alg: "ES256" }, claims, signature),
  "RS256's name": ({ header, claims, signature }) => joined({ ...header, alg: "RS256" }, claims, signature),
  // Another key.
  "another's key under our name": ({ foreign, header }) => foreign(header),
  "another's key under its own": ({ foreign, header }) => foreign({ ...header, kid: "theirs" }),
  "no kid": ({ own, header: { kid, ...header } }) => own(header),
  "kid empty": ({ own, header }) => own({ ...header, kid: "" }),
  "kid a path": ({ foreign, header }) => foreign({ ...header, kid: "../../../../dev/null" }),
  "kid SQL": ({ foreign, header }) => foreign({ ...header, kid: "x' UNION SELECT 'key" }),
  "kid a name of every object": ({ foreign, header }) => foreign({ ...header, kid: "__proto__" }),
  "kid a number": ({ foreign, header }) => foreign({ ...header, kid: 0 }),
  "its own key in the header": async ({ foreign, header }) => foreign({ ...header, jwk: await theirs() }),
  "its own key in the header, by its print": async ({ foreign, header }) =>
    foreign({ ...header, kid: await calculateJwkThumbprint(await theirs()), jwk: await theirs() }),
  "its own keys behind an address": ({ foreign, header }) =>
    foreign({ ...header, jku: "https://evil.example/jwks.json" }),
  "a certificate behind an address": ({ foreign, header }) =>
    foreign({ ...header, x5u: "https://evil.example/cert.pem" }),
  // Ours, but for something else, or for another time.
  "crit that nobody knows": ({ own, header }) => own({ ...header, crit: ["exp"], b64: true }),
  "no typ": ({ own, header: { typ, ...header } }) => own(header),
  "typ JWT": ({ own, header }) => own({ ...header, typ: "JWT" }),
  "for another audience": ({ own, header, claims }) => own(header, { ...claims, aud: "another" }),
  "for nobody": ({ own, header, claims: { aud, ...claims } }) => own(header, claims),
  "of another issuer": ({ own, header, claims }) => own(header, { ...claims, iss: "https://evil.example" }),
  "of no issuer": ({ own, header, claims: { iss, ...claims } }) => own(header, claims),
  "without an end": ({ own, header, claims: { exp, ...claims } }) => own(header, claims),
  "ended a second ago": ({ own, header, claims }) => own(header, { ...claims, exp: seconds() - 1 }),
  "not yet": ({ own, header, claims }) => own(header, { ...claims, nbf: seconds() + HOUR }),
  "an end that is a text": ({ own, header, claims }) =>
    own(header, { ...claims, exp: "9999999999" as unknown as number }),
  "without a user": ({ own, header, claims: { sub, ...claims } }) => own(header, claims),
  "with an empty user": ({ own, header, claims }) => own(header, { ...claims, sub: "" }),
  "a user that is a list": ({ own, header, claims }) =>
    own(header, { ...claims, sub: ["usr_1"] as unknown as string }),
  "without a session": ({ own, header, claims: { sid, ...claims } }) => own(header, claims),
  "a link of a mail": async () => {
    const { id } = await givenSold([[9]], [1]);
    return signLinkToken(testContext(), (await ours()).ring, id);
  },
  "a link's own type with a session's claims": async ({ claims: { sub = "", ...claims } }) =>
    signToken(
      (await ours()).ring,
      { audience: "holdfast", type: "order-link+jwt" },
      { subject: sub, claims: { role: claims.role, sid: claims.sid } },
      { now: testClock.now(), lifetimeSeconds: HOUR },
    ),
};

async function ours() {
  const settings = readSettings(env);
  if (settings.kind === "misconfigured") throw new Error("the test's settings are wrong");
  const keys = await keyRing(settings.settings);
  if (keys.kind === "misconfigured") throw new Error(keys.fault);
  return keys;
}

let pair: CryptoKeyPair;
beforeAll(async () => {
  pair = (await generateKeyPair("EdDSA", { extractable: true })) as CryptoKeyPair;
});
const theirs = async () => exportJWK(pair.publicKey);

let given: Given;
beforeEach(async () => {
  const admin = await signIn("admin");
  const [header = "", claims = "", signature = ""] = admin.token.split(".");
  const parse = (part: string) => JSON.parse(new TextDecoder().decode(base64url.decode(part)));
  const { ring } = await ours();
  const { kid } = ring.signing;
  const sign = async (key: CryptoKey, head: Record<string, unknown>, body: JWTPayload) => {
    // By hand where jose would not write such a header.
    const signed = `${encode(head)}.${encode(body)}`;
    const bytes = await crypto.subtle.sign("Ed25519", key, new TextEncoder().encode(signed));
    return `${signed}.${Buffer.from(bytes).toString("base64url")}`;
  };
  given = {
    admin,
    header: parse(header),
    claims: parse(claims),
    signature,
    own: (head, body = given.claims) => sign(ring.signing.privateKey, head, body),
    foreign: (head, body = given.claims) => sign(pair.privateKey, head, body),
    publicJwk: { ...ring.accepted.get(kid)?.publicJwk },
  };
});

const statusWith = async (token: string, path: string) =>
  refusalOf(await read(path, { Authorization: `Bearer ${token}` }));

test("there are forty forms at least, and what they are made from is good", async () => {
  expect(Object.keys(FORGED).length).toBeGreaterThanOrEqual(40);
  expect((await read("/users", given.admin.headers)).status).toBe(200);
  const again = await given.own(given.header);
  expect((await read("/users", { Authorization: `Bearer ${again}` })).status).toBe(200);
  const library = await new SignJWT(given.claims)
    .setProtectedHeader({ ...given.header, alg: "EdDSA" })
    .sign((await ours()).ring.signing.privateKey);
  expect((await read("/users", { Authorization: `Bearer ${library}` })).status).toBe(200);
});

test.each(Object.entries(FORGED))("%s", async (_, forge) => {
  const token = await forge(given);
  expect(token).not.toBe(given.admin.token);
  for (const path of ["/users", "/products"]) {
    expect([path, ...(await statusWith(token, path))]).toEqual([path, 401, "invalid_token"]);
  }
});
