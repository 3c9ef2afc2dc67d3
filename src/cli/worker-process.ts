import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import type { SettingsArguments } from "./local-settings.ts";
import { launchWrangler } from "./wrangler.ts";

/** Returns the port if it is free (for 0, one that the system chose); null when another program listens there. */
export function claimPort(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(null);
      else reject(error);
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === "object" && address ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}

/** How long the Worker may take to be ready. */
const START_TIMEOUT_MS = 120_000;
const KEPT_LINES = 40;

export interface WranglerDevOptions {
  port: number;
  stateDir: string;
  settings: SettingsArguments;
  /** Prints all output of wrangler, not only the Worker's log and errors. */
  verbose: boolean;
  /** Whether the Worker's log may be shown. */
  greeted: () => boolean;
}

/** How wrangler ended: its exit code and the end of its output. */
export interface WranglerEnd {
  code: number | null;
  output: string;
}

/** Runs `wrangler dev`, which has all bindings too and loads changed code at once, until it ends. */
export function runWranglerDev({
  port,
  stateDir,
  settings,
  verbose,
  greeted,
}: WranglerDevOptions): Promise<WranglerEnd> {
  const child = launchWrangler(
    [
      ...["dev", "--local", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"],
      ...["--persist-to", stateDir, "--show-interactive-dev-session=false"],
      ...["--env-file", settings.envFile],
      ...settings.vars.flatMap((pair) => ["--var", pair]),
    ],
    stateDir,
  );
  const kept: string[] = [];
  eachLine(child, (line, error) => {
    kept.push(line);
    if (kept.length > KEPT_LINES) kept.shift();
    if (!isWorthShowing(line, verbose) || (line.startsWith("{") && !error && !verbose && !greeted())) return;
    if (error) console.error(line);
    else console.log(line);
  });
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: null, output: error.message }));
    child.on("close", (code) => resolve({ code, output: kept.join("\n") }));
  });
}

function eachLine(child: ChildProcess, show: (line: string, error: boolean) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on("line", (line) =>
      show(stripVTControlCharacters(line), stream === child.stderr),
    );
  }
}

/**
 * Shows the Worker's log, which is one JSON object a line, and wrangler's errors. wrangler prints `Ready on` long before an
 * order could succeed, so its line is never shown; `npm start` prints its own.
 */
function isWorthShowing(line: string, verbose: boolean): boolean {
  if (verbose) return !line.includes("Ready on ");
  return line.startsWith("{") || /^(✘ )?\[?(ERROR|wrangler:error)/.test(line);
}

/** Waits until /health/ready says that the Worker can take orders. Throws with its last answer after the timeout. */
export async function waitUntilReady(url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let last = "no answer";
  while (Date.now() < deadline) {
    try {
      const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(10_000) });
      if (answer.ok) return;
      last = `${answer.status} ${await answer.text()}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await pause(200);
  }
  throw new Error(`The Worker is not ready: ${last}`);
}
