import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import type { SettingsArguments } from "./local-settings.ts";
import { launchWrangler } from "./wrangler.ts";

/** Null when another program listens there already; else the port, which for 0 is one that the system chose. */
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

/** How long the Worker may take to answer for the first time; milliseconds. */
const START_LIMIT = 120_000;
const KEPT_LINES = 40;

export interface WorkerOptions {
  port: number;
  stateDir: string;
  settings: SettingsArguments;
  /** Prints all that wrangler says, not only what the Worker logs and what goes wrong. */
  verbose: boolean;
}

export interface WorkerProcess {
  url: string;
  /** Ends with wrangler: its exit code, and the last that it said. */
  ended: Promise<{ code: number | null; output: string }>;
}

/** Starts `wrangler dev`: the Worker and every part it leans on, all on this machine. */
export function startWorker({ port, stateDir, settings, verbose }: WorkerOptions): WorkerProcess {
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
  passOn(child, (line, error) => {
    kept.push(line);
    if (kept.length > KEPT_LINES) kept.shift();
    if (!isWorthShowing(line, verbose)) return;
    if (error) console.error(line);
    else console.log(line);
  });
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.on("error", (error) => resolve({ code: null, output: error.message }));
    child.on("close", (code) => resolve({ code, output: kept.join("\n") }));
  });
  return { url: `http://127.0.0.1:${port}`, ended };
}

function passOn(child: ChildProcess, show: (line: string, error: boolean) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on("line", (line) =>
      show(stripVTControlCharacters(line), stream === child.stderr),
    );
  }
}

/**
 * The Worker's own log is JSON, one object a line; of wrangler's chatter only errors are for everybody. It says
 * `Ready on` long before an order could succeed: that word is ours.
 */
function isWorthShowing(line: string, verbose: boolean): boolean {
  if (verbose) return !line.includes("Ready on ");
  return line.startsWith("{") || /^(✘ )?\[?(ERROR|wrangler:error)/.test(line);
}

/** Waits until the Worker says at /health/ready that it can take orders. Throws with its last word when it never does. */
export async function waitUntilReady(url: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT;
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
