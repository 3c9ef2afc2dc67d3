import { randomBytes } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, readFileSync } from "node:fs";
import { exportJWK, generateKeyPair } from "jose";
import type { SettingsText } from "./local-settings.ts";

/** What a shop needs to run here and nobody should have to invent. */
const makers: Record<string, () => string | Promise<string>> = {
  JWT_PRIVATE_KEY: makeSigningKey,
  ADMIN_EMAIL: () => "admin@holdfast.example",
  ADMIN_PASSWORD: () => randomBytes(18).toString("base64url"),
  PAYMENT_WEBHOOK_SECRET: () => `whsec_${randomBytes(32).toString("base64")}`,
};

export const SECRET_NAMES = Object.keys(makers);

/**
 * Makes the local secrets that neither the environment nor `.dev.vars` gives, and keeps them in `.dev.vars`, which
 * only its owner may read. What is there stays as it is.
 * @returns what was made now
 */
export async function makeMissingSecrets(given: SettingsText, path: string): Promise<SettingsText> {
  const made: SettingsText = {};
  for (const [name, make] of Object.entries(makers)) {
    if (!given[name]) made[name] = await make();
  }
  const lines = Object.entries(made).map(([name, value]) => `${name}='${value}'\n`);
  if (lines.length > 0) {
    const gap = unfinishedLine(path);
    appendFileSync(path, "", { mode: 0o600 });
    chmodSync(path, 0o600);
    appendFileSync(path, `${gap}${lines.join("")}`);
  }
  return made;
}

const unfinishedLine = (path: string): string =>
  existsSync(path) && !/(^|\n)$/.test(readFileSync(path, "utf8")) ? "\n" : "";

async function makeSigningKey(): Promise<string> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const kid = randomBytes(8).toString("hex");
  return JSON.stringify({ ...(await exportJWK(privateKey)), alg: "EdDSA", use: "sig", kid });
}
