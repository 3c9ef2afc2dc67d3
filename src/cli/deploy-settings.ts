import { randomBytes } from "node:crypto";
import { checkSettings, settingsSchema } from "../platform/settings.ts";
import { makeBackupKey, makePaymentSecret, makeSigningKey, type SettingsText } from "./local-settings.ts";

/** Settings that are kept as secrets of the Worker, and in no file. */
const SECRETS = [
  "JWT_PRIVATE_KEY",
  "PAYMENT_WEBHOOK_SECRET",
  "STRIPE_SECRET_KEY",
  "STRIPE_WEBHOOK_SECRET",
  "METRICS_TOKEN",
  "BACKUP_KEY",
] as const;

/** Settings of this machine alone. */
const LOCAL = new Set(["ENVIRONMENT", "ADMIN_PASSWORD", "STRIPE_API_URL"]);

/** Secrets that can be made up, and whether somebody outside must be told of them. */
const MAKERS: Record<string, { make: () => string | Promise<string>; told: boolean }> = {
  JWT_PRIVATE_KEY: { make: makeSigningKey, told: false },
  PAYMENT_WEBHOOK_SECRET: { make: makePaymentSecret, told: true },
  BACKUP_KEY: { make: makeBackupKey, told: true },
  METRICS_TOKEN: { make: () => randomBytes(24).toString("base64url"), told: true },
};

export interface DeploySettings {
  /** Plain settings, for the configuration. */
  vars: SettingsText;
  /** Secrets to upload with this version: given ones, and those that are made. */
  secrets: SettingsText;
  /** Of these the ones that were made now. */
  made: { name: string; told: boolean }[];
  /** What is missing or wrong, so that nothing may be deployed. */
  faults: string[];
}

/**
 * What a deployment sets, from the environment and from what stands there already.
 * @param keptVars of the shop's configuration
 * @param keptSecrets the names of those that the Worker has, whose values nobody can read
 */
export async function settingsToDeploy(
  environment: NodeJS.ProcessEnv,
  keptVars: SettingsText,
  keptSecrets: string[],
): Promise<DeploySettings> {
  const isSecret = (name: string) => (SECRETS as readonly string[]).includes(name);
  const vars: SettingsText = { ...keptVars };
  const secrets: SettingsText = {};
  for (const name of Object.keys(settingsSchema.in.shape)) {
    const value = environment[name];
    if (!value || LOCAL.has(name)) continue;
    if (isSecret(name)) secrets[name] = value;
    else vars[name] = value;
  }
  const made: DeploySettings["made"] = [];
  for (const [name, { make, told }] of Object.entries(MAKERS)) {
    const unwanted = name === "PAYMENT_WEBHOOK_SECRET" && vars.PAYMENT_PROVIDER === "stripe";
    if (unwanted || secrets[name] || keptSecrets.includes(name)) continue;
    secrets[name] = await make();
    made.push({ name, told });
  }
  return { vars, secrets, made, faults: await faultsOf(vars, secrets, keptSecrets) };
}

/** Of a secret that is kept only the name is known: something of its form stands for it. */
const STANDS_FOR: SettingsText = {
  PAYMENT_WEBHOOK_SECRET: makePaymentSecret(),
  BACKUP_KEY: makeBackupKey(),
};

async function faultsOf(vars: SettingsText, secrets: SettingsText, kept: string[]): Promise<string[]> {
  const unseen = Object.fromEntries(kept.map((name) => [name, STANDS_FOR[name] ?? "kept by the Worker"]));
  const checked = checkSettings({ ...unseen, ...vars, ...secrets, ENVIRONMENT: "production" });
  return checked.kind === "valid"
    ? []
    : checked.faults.map(({ setting, message }) => `${setting} ${message}`);
}
