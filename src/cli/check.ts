import { defineCommand, runMain } from "citty";
import { unstable_readConfig as readConfig } from "wrangler";
import { checkSettings } from "../platform/settings.ts";
import {
  devVarsPath,
  mergeSettings,
  readDevVars,
  SECRET_NAMES,
  type SettingsText,
} from "./local-settings.ts";

/** What is wrong with the settings and bindings, each by its name. `ENVIRONMENT=production` asks for more. */
function findFaults(): string[] {
  const production = process.env.ENVIRONMENT === "production";
  // `.dev.vars` never leaves this machine, and what it lacks here `npm start` makes.
  const settings = production
    ? mergeSettings({}, process.env)
    : withSecretsToCome(readDevVars(devVarsPath()));
  const checked = checkSettings(settings);
  const faults =
    checked.kind === "valid" ? [] : checked.faults.map((fault) => `${fault.setting} ${fault.message}`);
  return production ? [...faults, ...placeholderFaults()] : faults;
}

function withSecretsToCome(devVars: SettingsText): SettingsText {
  const settings = mergeSettings(devVars, process.env);
  const missing = SECRET_NAMES.filter((name) => name.startsWith("JWT") && !settings[name]);
  return { ...settings, ...Object.fromEntries(missing.map((name) => [name, "made by npm start"])) };
}

/** A binding that names something of an account's own; wrangler's configuration is not typed this far. */
interface NamedBinding {
  binding: string;
  id?: string;
  database_id?: string;
}

/** wrangler.toml comes with ids of zeros: a deployment needs its own. */
function placeholderFaults(): string[] {
  const config = readConfig({ config: "wrangler.toml" }, { hideWarnings: true });
  const named: NamedBinding[] = [...config.d1_databases, ...config.kv_namespaces];
  return named
    .filter(({ id, database_id }) => /^[0-]*$/.test(id ?? database_id ?? ""))
    .map(({ binding }) => `${binding} has no id of yours in wrangler.toml`);
}

const command = defineCommand({
  meta: {
    name: "npm run check",
    description: "Says which settings and bindings are wrong; ENVIRONMENT=production asks for more",
  },
  run: () => {
    const faults = findFaults();
    for (const fault of faults) console.error(fault);
    if (faults.length > 0) process.exitCode = 1;
    else console.log("Settings and bindings are right.");
  },
});

await runMain(command);
