import { env, exports } from "cloudflare:workers";
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  jwtVerify,
} from "jose";
import { expect, test, vi } from "vitest";
import { signAccessToken, verifyAccessToken } from "../../src/accounts/access-token.ts";
import { importRing, keyRing } from "../../src/accounts/keys.ts";
import { settingsSchema } from "../../src/platform/settings.ts";
import { signIn } from "../support/sign-in.ts";
import worker from "../support/worker.ts";

const NOW = 1_800_000_000_000;
const CLAIMS = { userId: "usr_1", role: "staff", sessionId: "ses_1", restores: null } as const;

const newKey = async (alg: "EdDSA" | "ES256") => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { jwk: await exportJWK(privateKey), pem: await exportPKCS8(privateKey) };
};

async function ringOf(setting: string) {
  const result = await importRing(setting);
  if (result.kind === "misconfigured") throw new Error(result.fault);
  return result.ring;
}

test.each(["EdDSA", "ES256"] as const)("%s keys come as JWK, as PEM and as PEM on one line", async (alg) => {
  const { jwk, pem } = await newKey(alg);
  const kid = await calculateJwkThumbprint(jwk);
  const rings = await Promise.all([JSON.stringify(jwk), pem, pem.replaceAll("\n", "\\n")].map(ringOf));
  for (const ring of rings) {
    expect(ring.signing).toMatchObject({ kid, algorithm: alg });
    const token = await signAccessToken(ring, CLAIMS, NOW);
    for (const other of rings) expect(await verifyAccessToken(other, token, NOW)).toEqual(CLAIMS);
  }
  expect([...(rings[0]?.accepted.values() ?? [])].map(({ publicJwk }) => publicJwk)).toEqual([
    { ...jwk, d: undefined, kid, alg, use: "sig" },
  ]);
});

test("the first key signs, and all are accepted until they are taken out", async () => {
  const [old, fresh] = [await newKey("ES256"), await newKey("EdDSA")];
  const before = await ringOf(JSON.stringify([old.jwk]));
  const during = await ringOf(JSON.stringify([fresh.jwk, old.pem]));
  const after = await ringOf(JSON.stringify(fresh.jwk));
  const oldToken = await signAccessToken(before, CLAIMS, NOW);
  const newToken = await signAccessToken(during, CLAIMS, NOW);
  expect(await verifyAccessToken(during, oldToken, NOW)).toEqual(CLAIMS);
  expect(await verifyAccessToken(during, newToken, NOW)).toEqual(CLAIMS);
  expect(await verifyAccessToken(after, newToken, NOW)).toEqual(CLAIMS);
  expect(await verifyAccessToken(after, oldToken, NOW)).toBeNull();
  expect(await verifyAccessToken(before, newToken, NOW)).toBeNull();
});

test("a public key is accepted and signs nothing, until it is taken out", async () => {
  const [old, fresh] = [await newKey("EdDSA"), await newKey("ES256")];
  const before = await ringOf(JSON.stringify(old.jwk));
  const shown = [...before.accepted.values()].map(({ publicJwk }) => publicJwk);
  const settings = settingsSchema.parse({
    JWT_PRIVATE_KEY: JSON.stringify(fresh.jwk),
    JWT_ACCEPTED_KEYS: JSON.stringify(shown),
  });
  const during = await keyRing(settings);
  if (during.kind === "misconfigured") throw new Error(during.fault);
  const oldToken = await signAccessToken(before, CLAIMS, NOW);
  expect(await verifyAccessToken(during.ring, oldToken, NOW)).toEqual(CLAIMS);
  expect([...during.ring.accepted.keys()]).toEqual([during.ring.signing.kid, before.signing.kid]);
  expect(await verifyAccessToken(await ringOf(JSON.stringify(fresh.jwk)), oldToken, NOW)).toBeNull();
});

test.each([
  "{}",
  "[7]",
  '[{"kty":"oct","k":"c2VjcmV0","kid":"a"}]',
  '[{"kty":"OKP","crv":"X25519","x":"AA","kid":"a"}]',
  "[",
])("what is no list of public keys is a fault: %s", (JWT_ACCEPTED_KEYS) => {
  const parsed = settingsSchema.safeParse({ JWT_PRIVATE_KEY: "x", JWT_ACCEPTED_KEYS });
  expect(parsed.error?.issues.map(({ path }) => path)).toEqual([["JWT_ACCEPTED_KEYS"]]);
});

test("an access token is good for 15 minutes", async () => {
  const ring = await ringOf(JSON.stringify((await newKey("EdDSA")).jwk));
  const token = await signAccessToken(ring, CLAIMS, NOW);
  expect(await verifyAccessToken(ring, token, NOW + 15 * 60_000 - 1_000)).toEqual(CLAIMS);
  expect(await verifyAccessToken(ring, token, NOW + 15 * 60_000)).toBeNull();
});

test("what is no private key of ours is a fault that does not quote it", async () => {
  const { jwk, pem } = await newKey("EdDSA");
  const { d, ...publicPart } = jwk;
  const rsa = await generateKeyPair("RS256", { extractable: true });
  for (const setting of [
    "nonsense",
    "{",
    "[]",
    "{}",
    "[null]",
    "[7]",
    JSON.stringify(publicPart),
    JSON.stringify([jwk, publicPart]),
    JSON.stringify([jwk, jwk]),
    JSON.stringify({ ...jwk, d: "AAAA" }),
    JSON.stringify({ kty: "oct", k: d }),
    JSON.stringify(await exportJWK(rsa.privateKey)),
    await exportPKCS8(rsa.privateKey),
    pem.replace("BEGIN PRIVATE KEY", "BEGIN SOMETHING"),
    pem.slice(0, 60),
  ]) {
    const result = await importRing(setting);
    expect(result).toMatchObject({ kind: "misconfigured", fault: expect.any(String) });
    expect(JSON.stringify(result)).not.toContain(d);
  }
});

test("keys are imported once for a Worker's settings", async () => {
  const settings = settingsSchema.parse(env);
  const imported = vi.spyOn(crypto.subtle, "importKey");
  const first = await keyRing(settings);
  const imports = imported.mock.calls.length;
  expect(await keyRing(settings)).toBe(first);
  expect(imported.mock.calls.length).toBe(imports);
  imported.mockRestore();
});

test("the JWKS verifies our tokens and shows no private part", async () => {
  const { id, token } = await signIn("staff");
  const response = await exports.default.fetch("http://shop.test/.well-known/jwks.json");
  expect(response.status).toBe(200);
  expect(response.headers.get("Cache-Control")).toBe("public, max-age=300");
  const jwks = await response.json<{ keys: { kty: string }[] }>();
  expect(jwks).toEqual({
    keys: [
      {
        kty: "OKP",
        crv: "Ed25519",
        x: "rRMqUrPR42K_W3ZeRMqlzRG_--oLnUstIvIUu1LwBNU",
        kid: "test",
        alg: "EdDSA",
        use: "sig",
      },
    ],
  });
  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
    issuer: "holdfast",
    audience: "holdfast",
  });
  expect(payload).toMatchObject({ sub: id, role: "staff", sid: expect.stringMatching(/^ses_/) });
});

test("with a key that cannot be read, what needs it is a 503 and nothing is written", async () => {
  const broken = { ...env, JWT_PRIVATE_KEY: "nonsense" };
  const execution = { waitUntil() {}, passThroughOnException() {}, props: {} } as unknown as ExecutionContext;
  const ask = (path: string, init: RequestInit) =>
    worker.fetch(new Request(`http://shop.test${path}`, init) as never, broken, execution);
  const post = (body: unknown) => ({
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const account = { email: "ada@shop.example", password: "analytical engine" };
  for (const response of [
    await ask("/.well-known/jwks.json", {}),
    await ask("/api/v1/auth/register", post({ ...account, name: "Ada" })),
    await ask("/api/v1/auth/token", post(account)),
    await ask("/api/v1/auth/refresh", post({ refresh_token: "x" })),
    await ask("/api/v1/me", { headers: { Authorization: "Bearer a.b.c" } }),
  ]) {
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      code: "misconfigured",
      errors: [{ setting: "JWT_PRIVATE_KEY" }],
    });
  }
  expect(await env.DB.prepare("SELECT count(*) AS n FROM users").first("n")).toBe(0);
});
