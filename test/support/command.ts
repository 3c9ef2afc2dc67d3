import { spawn } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "../../src/cli/wrangler.ts";

/** What Node made of the modules the last time: a third less for each command. */
const COMPILED = join(projectRoot, ".wrangler/node");

/** Runs one of the commands to its end, with `input` typed into it and nothing of this machine's own settings. */
export async function runCommand(command: string, args: string[], env: Record<string, string>, input = "") {
  const child = spawn(process.execPath, [join(projectRoot, `src/cli/${command}.ts`), ...args], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILED, ...env },
  });
  child.stdin.end(input);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, output };
}
