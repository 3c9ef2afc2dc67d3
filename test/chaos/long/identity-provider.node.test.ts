import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { Provider } from "oidc-provider";
import { afterEach, expect, test } from "vitest";
import { removeState, type Server, startServer } from "../../support/server.ts";

const AUDIENCE = "https://api.shop.example";
const CLIENT = { client_id: "storefront", client_secret: "a-secret-of-the-storefront" };

const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function newKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: "RS256", use: "sig" };
}

/** A real OpenID server with these keys, the first of which signs. @param port of one that ran before */
async function startProvider(keys: JWK[], port = 0) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(url, {
    jwks: { keys },
    clients: [{ ...CLIENT, grant_types: ["client_credentials"], redirect_uris: [], response_types: [] }],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => ({
          ...{ scope: "", audience: AUDIENCE, accessTokenTTL: 600, accessTokenFormat: "jwt" as const },
          jwt: { sign: { alg: "RS256" as const, ...(keys[0]?.kid ? { kid: keys[0].kid } : {}) } },
        }),
      },
    },
  });
  server.on("request", provider.callback());
  let open = true;
  const stop = async () => {
    if (!open) return;
    open = false;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  ended.push(stop);
  const token = async (): Promise<string> => {
    const answer = await fetch(`${url}/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "client_credentials", ...CLIENT, resource: AUDIENCE }),
    });
    const { access_token } = (await answer.json()) as { access_token: string };
    return access_token;
  };
  return { url, port: Number(new URL(url).port), stop, token };
}

async function me({ url }: Server, token: string) {
  const answer = await fetch(`${url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  return {
    status: answer.status,
    body: (await answer.json()) as { id?: string; code?: string; role?: string },
  };
}

test("tokens of a real OpenID server open a customer's account, also after its keys were rotated", async () => {
  const [first, second] = [await newKey("first"), await newKey("second")];
  const provider = await startProvider([first]);
  const settings = {
    AUTH_ISSUER: provider.url,
    AUTH_JWKS_URL: `${provider.url}/jwks`,
    AUTH_AUDIENCE: AUDIENCE,
  };
  const shop = await startServer({ env: settings });
  ended.push(async () => {
    await shop.stop();
    removeState(shop.stateDir);
  });

  const token = await provider.token();
  const known = await me(shop, token);
  expect(known).toMatchObject({ status: 200, body: { role: "customer" } });
  expect(await me(shop, `${token.slice(0, -8)}AAAAAAAA`)).toMatchObject({ status: 401 });

  // Its keys are known: while it is away, what it has signed is good.
  await provider.stop();
  expect(await me(shop, token)).toMatchObject({ status: 200, body: { id: known.body.id } });

  const rotated = await startProvider([second, first], provider.port);
  const next = await rotated.token();
  // The key set is asked for anew where it lacks a key, once in half a minute.
  await expect
    .poll(() => me(shop, next), { timeout: 60_000, interval: 1_000 })
    .toMatchObject({ status: 200, body: { id: known.body.id } });
  expect(await me(shop, token)).toMatchObject({ status: 200 });
}, 240_000);
