import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { exportJWK, generateKeyPair } from "jose";
import { settingsSchema } from "../platform/settings.ts";
import { projectRoot } from "./wrangler.ts";

/** Settings by name, as the Worker will read them. */
export type SettingsText = Record<string, string>;

/** Where this machine's state is; `STATE_DIR`, absolute. */
export const stateDirectory = (): string =>
  resolve(process.env.STATE_DIR || join(projectRoot, ".wrangler/state"));

/** This machine's own settings and secrets, ignored by git; `DEV_VARS` names another file. */
export const devVarsPath = (): string => resolve(process.env.DEV_VARS || join(projectRoot, ".dev.vars"));

export function readDevVars(path: string): SettingsText {
  if (!existsSync(path)) return {};
  const parsed = parseEnv(readFileSync(path, "utf8"));
  return Object.fromEntries(
    Object.entries(parsed).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** What a shop needs to run here and nobody should have to invent. */
const makers: Record<string, () => string | Promise<string>> = {
  JWT_PRIVATE_KEY: makeSigningKey,
  ADMIN_EMAIL: () => "admin@holdfast.example",
  ADMIN_PASSWORD: () => randomBytes(18).toString("base64url"),
  PAYMENT_WEBHOOK_SECRET: () => `whsec_${randomBytes(32).toString("base64")}`,
};

export const SECRET_NAMES = Object.keys(makers);

/** `.dev.vars` with the environment's settings laid over it: the environment wins where it says something. */
export function mergeSettings(devVars: SettingsText, environment: NodeJS.ProcessEnv): SettingsText {
  const names = new Set([...Object.keys(settingsSchema.in.shape), ...SECRET_NAMES, ...Object.keys(devVars)]);
  const merged: SettingsText = {};
  for (const name of names) {
    const value = environment[name] || devVars[name];
    if (value) merged[name] = value;
  }
  return merged;
}

/** How settings reach `wrangler dev`: by a private file, and the few that such a file cannot hold as arguments. */
export interface SettingsArguments {
  envFile: string;
  vars: string[];
}

/** Writes what the Worker is to be given. wrangler leaves `.dev.vars` alone when it is handed a file. */
export function writeSettings(settings: SettingsText, stateDir: string): SettingsArguments {
  const lines: string[] = [];
  const vars: string[] = [];
  for (const [name, value] of Object.entries(settings)) {
    const quoted = quote(value);
    if (quoted === null) vars.push(`${name}:${value}`);
    else lines.push(`${name}=${quoted}`);
  }
  mkdirSync(stateDir, { recursive: true });
  const envFile = join(stateDir, "settings.env");
  rmSync(envFile, { force: true }); // a file that is there would keep its mode
  writeFileSync(envFile, `${lines.join("\n")}\n`, { mode: 0o600 });
  return { envFile, vars };
}

/**
 * A value between quotes that dotenv takes literally, its dollars escaped from expansion. Null when it holds both
 * kinds of quotes, a carriage return (which dotenv would turn into a line feed) or ends in a backslash.
 */
function quote(value: string): string | null {
  const mark = ["'", "`"].find((candidate) => !value.includes(candidate));
  if (mark === undefined || value.includes("\r") || value.endsWith("\\")) return null;
  return `${mark}${value.replaceAll("$", "\\$")}${mark}`;
}

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
