import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { defineCommand, runMain } from "citty";
import { z } from "zod";
import { importRing } from "../accounts/keys.ts";
import { commandOf } from "./command.ts";
import { devVarsPath, makeSigningKey, readDevVars, replaceDevVars } from "./local-settings.ts";
import { projectRoot } from "./wrangler.ts";

/** Keys that are accepted beside the new one. Links in mails are signed too, and live for months. */
const OLDER = 2;

/** The public keys of a shop that runs, the newest first: what it shows to everybody. */
async function shownBy(url: string): Promise<object[]> {
  const answer = await fetch(new URL("/.well-known/jwks.json", url));
  if (!answer.ok) throw new Error(`${url} answers ${answer.status} to /.well-known/jwks.json.`);
  return z.object({ keys: z.array(z.looseObject({ kid: z.string() })) }).parse(await answer.json()).keys;
}

/** The Worker's own secret is not to be read: what it signs with is known by what it shows. */
async function rotateDeployed(name: string, url: string): Promise<void> {
  const older = (await shownBy(url)).slice(0, OLDER);
  const settings = { JWT_PRIVATE_KEY: await makeSigningKey(), JWT_ACCEPTED_KEYS: JSON.stringify(older) };
  const deploy = [join(projectRoot, "src/cli/deploy.ts"), "--name", name, "--url", url];
  const { status } = spawnSync(process.execPath, deploy, {
    stdio: "inherit",
    env: { ...process.env, ...settings },
  });
  if (status !== 0) throw new Error("The deployment failed: the shop signs as before. Run it again.");
}

async function rotateLocal(): Promise<void> {
  const path = devVarsPath();
  const { JWT_PRIVATE_KEY: known } = readDevVars(path);
  if (!known) throw new Error(`There is no JWT_PRIVATE_KEY in ${path}: npm start makes one.`);
  const ring = await importRing(known);
  if (ring.kind === "misconfigured") throw new Error(`JWT_PRIVATE_KEY ${ring.fault}.`);
  const older = [...ring.ring.accepted.values()].map(({ publicJwk }) => publicJwk).slice(0, OLDER);
  const kept = z.array(z.unknown()).parse(JSON.parse(readDevVars(path).JWT_ACCEPTED_KEYS ?? "[]"));
  replaceDevVars(path, {
    JWT_ACCEPTED_KEYS: JSON.stringify([...older, ...kept].slice(0, OLDER)),
    JWT_PRIVATE_KEY: await makeSigningKey(),
  });
  console.log("A new key signs from the next npm start on; tokens of the one before are accepted still.");
}

const options = {
  name: { type: "string", description: "A deployed shop, by the name of its deployment" },
  url: { type: "string", description: "Where that shop is" },
} as const;

await runMain(
  defineCommand({
    meta: { name: "npm run keys --", description: "The keys that sign access tokens and links" },
    subCommands: {
      rotate: commandOf(
        "rotate",
        "Makes a new key that signs; the two before it are still accepted, a third is not",
        options,
        async ({ name, url }) => {
          if (name === undefined) return rotateLocal();
          if (url === undefined) throw new Error("Say --url too: the keys of today are read there.");
          return rotateDeployed(name, url);
        },
      ),
    },
  }),
);
