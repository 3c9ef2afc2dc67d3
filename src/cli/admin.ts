import { randomBytes } from "node:crypto";
import { defineCommand, runMain } from "citty";
import { MIN_PASSWORD_LENGTH } from "../accounts/password.ts";
import { readEmail } from "../platform/text/email.ts";
import { commandOf } from "./command.ts";
import { configPath, DEFAULT_SHOP } from "./deploy-config.ts";
import { devVarsPath, mergeSettings, readDevVars, stateDirectory } from "./local-settings.ts";
import { adminStatement, makeAdmin, makeRemoteAdmin, type NewAdmin } from "./make-admin.ts";

interface CreateOptions {
  email: string;
  name: string;
  password: string | undefined;
  remote: boolean;
  shop: string;
  sql: boolean;
}

async function create({ email: given, name, password, remote, shop, sql }: CreateOptions): Promise<void> {
  const read = readEmail(given);
  if (read.kind === "invalid") throw new Error(`--email ${read.message}.`);
  const email = read.email.toLowerCase();
  const admin: NewAdmin = { email, name, password: password ?? randomBytes(18).toString("base64url") };
  if (admin.password.length < MIN_PASSWORD_LENGTH) {
    throw new Error(`--password must have ${MIN_PASSWORD_LENGTH} characters at least.`);
  }
  if (!remote && !sql && isKept(email)) {
    throw new Error(
      `npm start keeps the password of ${normalised(email)}, and would set it again: change ADMIN_PASSWORD in ${devVarsPath()} instead.`,
    );
  }
  if (sql) {
    console.log(await adminStatement(admin));
    if (password === undefined) console.error(`Password: ${admin.password}`);
    return;
  }
  const { created } = remote ? await makeRemoteAdmin(admin, configPath(shop)) : await makeLocalAdmin(admin);
  console.log(`${created ? "Created" : "Updated"} the admin ${email}.`);
  if (password === undefined) console.log(`Password: ${admin.password}`);
}

const normalised = (email: string): string => email.trim().toLowerCase();

/** Whether `npm start` makes this admin, each time with the password that it finds in the settings. */
function isKept(email: string): boolean {
  const { ADMIN_EMAIL } = mergeSettings(readDevVars(devVarsPath()), process.env);
  return ADMIN_EMAIL !== undefined && normalised(ADMIN_EMAIL) === normalised(email);
}

async function makeLocalAdmin(admin: NewAdmin): Promise<{ created: boolean }> {
  const { applyMigrations, withLocalDatabase } = await import("./local-database.ts");
  return withLocalDatabase(stateDirectory(), async (db) => {
    await applyMigrations(db);
    return makeAdmin(admin, db);
  });
}

const createOptions = {
  email: { type: "string", required: true, description: "The address to sign in with" },
  password: { type: "string", description: "Made up and printed when left out" },
  name: { type: "string", default: "Admin", description: "What to call them" },
  remote: { type: "boolean", default: false, description: "In the deployed database, not on this machine" },
  shop: { type: "string", default: DEFAULT_SHOP, description: "The name that it was deployed under" },
  sql: { type: "boolean", default: false, description: "Print the SQL and run nothing" },
} as const;

const createCommand = commandOf(
  "create",
  "Makes an admin, or makes an account that is there one",
  createOptions,
  (args) => create({ ...args, password: args.password }),
);

await runMain(
  defineCommand({
    meta: { name: "npm run admin --", description: "Admins of the shop" },
    subCommands: { create: createCommand },
  }),
);
