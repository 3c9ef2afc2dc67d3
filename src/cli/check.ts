import { defineCommand, runMain } from "citty";
import { unstable_readConfig as readConfig } from "wrangler";
import { importRing } from "../accounts/keys.ts";
import { checkSettings } from "../platform/settings.ts";
import { mergeSettings, readLocalSettings, SECRET_NAMES, type SettingsText } from "./local-settings.ts";
import { weakSettings } from "./weak-settings.ts";

/** The faults of settings and bindings. `ENVIRONMENT=production` is checked more strictly. */
async function findFaults(): Promise<string[]> {
  const production = process.env.ENVIRONMENT === "production";
  // `.dev.vars` is not part of a deployment. On this machine, `npm start` will make the secrets that it lacks.
  const settings = production ? mergeSettings({}, process.env) : withSecretsToCome();
  const checked = checkSettings(settings);
  const faults =
    checked.kind === "valid" ? [] : checked.faults.map((fault) => `${fault.setting} ${fault.message}`);
  const key = settings.JWT_PRIVATE_KEY;
  // One that `npm start` will make needs no trial.
  if (key !== undefined && key !== TO_COME) {
    const ring = await importRing(key);
    if (ring.kind === "misconfigured") faults.push(`JWT_PRIVATE_KEY ${ring.fault}`);
  }
  faults.push(...weakSettings(settings, production));
  return production ? [...faults, ...placeholderFaults()] : faults;
}

const TO_COME = "made by npm start";

function withSecretsToCome(): SettingsText {
  const settings = readLocalSettings();
  const missing = SECRET_NAMES.filter((name) => name.startsWith("JWT") && !settings[name]);
  return { ...settings, ...Object.fromEntries(missing.map((name) => [name, TO_COME])) };
}

/** A binding to a resource of a Cloudflare account. wrangler's types do not have these fields. */
interface NamedBinding {
  binding: string;
  id?: string;
  database_id?: string;
}

/** The ids in wrangler.toml are zeros at first; a deployment needs those of its own resources. */
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
  run: async () => {
    const faults = await findFaults();
    for (const fault of faults) console.error(fault);
    if (faults.length > 0) process.exitCode = 1;
    else console.log("Settings and bindings are right.");
  },
});

await runMain(command);
