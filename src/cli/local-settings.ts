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

/** Settings by name, as texts. */
export type SettingsText = Record<string, string>;

/** The absolute path of the directory with this machine's data; `STATE_DIR` names another. */
export const stateDirectory = (): string =>
  resolve(process.env.STATE_DIR || join(projectRoot, ".wrangler/state"));

/** The file with this machine's settings and secrets, which git ignores; `DEV_VARS` names another. */
export const devVarsPath = (): string => resolve(process.env.DEV_VARS || join(projectRoot, ".dev.vars"));

export function readDevVars(path: string): SettingsText {
  if (!existsSync(path)) return {};
  const parsed = parseEnv(readFileSync(path, "utf8"));
  return Object.fromEntries(
    Object.entries(parsed).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

export const makeBackupKey = (): string => randomBytes(32).toString("base64url");

/** Secrets that a shop needs on this machine, and how each is made when it is missing. */
const makers: Record<string, () => string | Promise<string>> = {
  JWT_PRIVATE_KEY: makeSigningKey,
  ADMIN_EMAIL: () => "admin@holdfast.example",
  ADMIN_PASSWORD: () => randomBytes(18).toString("base64url"),
  PAYMENT_WEBHOOK_SECRET: makePaymentSecret,
  BACKUP_KEY: makeBackupKey,
};

export const SECRET_NAMES = Object.keys(makers);

/** The settings of `.dev.vars` and of the environment; the environment takes precedence. */
export function mergeSettings(devVars: SettingsText, environment: NodeJS.ProcessEnv): SettingsText {
  const names = new Set([...Object.keys(settingsSchema.in.shape), ...SECRET_NAMES, ...Object.keys(devVars)]);
  const merged: SettingsText = {};
  for (const name of names) {
    const value = environment[name] || devVars[name];
    if (value) merged[name] = value;
  }
  return merged;
}

/** What a shop on this machine is given. The Worker takes itself to be in production where it is not told. */
export const readLocalSettings = (): SettingsText => ({
  ENVIRONMENT: "development",
  ...mergeSettings(readDevVars(devVarsPath()), process.env),
});

/** How settings are passed to `wrangler dev`: in a private file, or as arguments if the file cannot hold their value. */
export interface SettingsArguments {
  envFile: string;
  vars: string[];
}

/** Writes the Worker's settings. When wrangler is given a file, it does not read `.dev.vars`. */
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
  rmSync(envFile, { force: true }); // an existing file would keep its mode
  writeFileSync(envFile, `${lines.join("\n")}\n`, { mode: 0o600 });
  return { envFile, vars };
}

/**
 * Quotes a value so that dotenv takes it literally, with `$` escaped. Null when that is impossible: it has both kinds of
 * quotes, or a carriage return (which dotenv changes to a line feed), or ends in a backslash.
 */
function quote(value: string): string | null {
  const mark = ["'", "`"].find((candidate) => !value.includes(candidate));
  if (mark === undefined || value.includes("\r") || value.endsWith("\\")) return null;
  return `${mark}${value.replaceAll("$", "\\$")}${mark}`;
}

/**
 * Makes the secrets that neither the environment nor `.dev.vars` has, and appends them to `.dev.vars`, which only its owner
 * can read.
 * @returns the secrets that it made
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

/** Sets settings of the file together, each in its place or at the end. Throws, and changes nothing, where one stands on several lines. */
export function replaceDevVars(path: string, settings: SettingsText): void {
  const before = readDevVars(path);
  const lines = readFileSync(path, "utf8").replace(/\n$/, "").split("\n");
  for (const [name, value] of Object.entries(settings)) {
    if (before[name]?.includes("\n"))
      throw new Error(`${name} stands on several lines in ${path}: change it by hand.`);
    const at = lines.findIndex((line) => line.startsWith(`${name}=`));
    lines.splice(at < 0 ? lines.length : at, at < 0 ? 0 : 1, `${name}='${value}'`);
  }
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
}

const unfinishedLine = (path: string): string =>
  existsSync(path) && !/(^|\n)$/.test(readFileSync(path, "utf8")) ? "\n" : "";

export function makePaymentSecret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}

export async function makeSigningKey(): Promise<string> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const kid = randomBytes(8).toString("hex");
  return JSON.stringify({ ...(await exportJWK(privateKey)), alg: "EdDSA", use: "sig", kid });
}
