import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { settingsSchema } from "../platform/settings.ts";
import { SECRET_NAMES } from "./make-secrets.ts";
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
