import { join } from "node:path";
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type V4WorkerOptions,
  type V4WorkerOptionsShape,
} from "miniflare";
import {
  unstable_getMiniflareWorkerOptions as miniflareOptions,
  unstable_readConfig as readConfig,
} from "wrangler";
import type { SettingsText } from "./local-settings.ts";
import { projectRoot } from "./wrangler.ts";

export interface ServeOptions {
  port: number;
  stateDir: string;
  settings: SettingsText;
  /** Where the built Worker is. */
  directory: string;
  /** Prints what Miniflare says, not only the Worker's log and errors. */
  verbose: boolean;
  /** Whether the Worker's log may be shown; what is wrong is shown in any case. */
  greeted: () => boolean;
}

/**
 * The Worker that has the files of /docs. Miniflare sends each request to a Worker that has files through two more Workers
 * of its own, also where none is asked for: that took more than the rest of an answer from the cache.
 */
const PAGES = "pages";

/**
 * Runs the built Worker with all its bindings. Requests go straight to workerd. `wrangler dev` sends each through a proxy
 * and stores its trace, and answers half as many or fewer.
 */
export async function serveWorker({
  port,
  stateDir,
  settings,
  directory,
  verbose,
  greeted,
}: ServeOptions): Promise<Miniflare> {
  const {
    config,
    options: { assets, compatibilityDate, ...options },
  } = declaredWorker();
  const miniflare = startMiniflare(
    stateDir,
    {
      ...options,
      compatibilityDate,
      serviceBindings: { ASSETS: PAGES },
      // The name is a part of the objects' ids: with another one they would be empty.
      name: config.name,
      // Not those of `options`, which has read `.dev.vars`, whatever file `DEV_VARS` names.
      bindings: { ...config.vars, ...settings },
      modules: [{ type: "ESModule", path: join(directory, "index.js") }],
      modulesRoot: directory,
    },
    { port, verbose, greeted },
    [
      {
        name: PAGES,
        compatibilityDate,
        assets,
        modules: true,
        script: "export default { fetch: (request, env) => env.ASSETS.fetch(request) }",
      },
    ],
  );
  await miniflare.ready;
  return miniflare;
}

/** What wrangler.toml says, and the same as Miniflare wants it. */
export function declaredWorker() {
  const level = process.env.WRANGLER_LOG;
  // Else wrangler says each time from where it takes settings, which are not those that are used.
  process.env.WRANGLER_LOG = "warn";
  try {
    const config = readConfig({ config: join(projectRoot, "wrangler.toml") }, { hideWarnings: true });
    return { config, options: miniflareOptions(config).workerOptions as V4WorkerOptionsShape };
  } finally {
    if (level === undefined) delete process.env.WRANGLER_LOG;
    else process.env.WRANGLER_LOG = level;
  }
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Starts a Worker on this machine's state, which is where `wrangler dev` has it too.
 * @param where it listens; without a port, at one that the system chooses
 */
export function startMiniflare(
  stateDir: string,
  worker: V4WorkerOptions,
  {
    port = 0,
    verbose = false,
    greeted = () => true,
  }: Partial<Pick<ServeOptions, "port" | "verbose" | "greeted">> = {},
  others: V4WorkerOptions[] = [],
): Miniflare {
  const ours = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...{ host: "127.0.0.1", port },
      resourcePersistencePath: join(stateDir, "v3"),
      // For `/cdn-cgi/local/scheduled`, by which the cron trigger is fired.
      unsafeTriggerHandlers: true,
      // It would answer any SQL that anybody on this machine sends to the API's port.
      unsafeLocalExplorer: false,
      // Nothing reads `Request.cf`, and Miniflare would ask the internet for one.
      cf: false,
      log: new Log(verbose ? LogLevel.INFO : LogLevel.ERROR),
      logRequests: false,
      handleStructuredLogs: (line) => printLog(line, verbose || greeted()),
      workers: [worker, ...others],
    }),
  );
  // A process with a way of its own to end at a signal keeps it: Miniflare would end it at once, whatever else it started.
  for (const [signal, known] of ours) {
    if (known.length === 0) continue;
    for (const listener of process.listeners(signal)) {
      if (!known.includes(listener)) process.removeListener(signal, listener);
    }
  }
  return miniflare;
}

/** The Worker's log is one JSON object a line. */
function printLog({ level, message }: { level: string; message: string }, all: boolean): void {
  if (level === "warn" || level === "error") console.error(message);
  else if (all) console.log(message);
}
