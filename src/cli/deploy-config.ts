import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parse } from "smol-toml";
import { projectRoot } from "./wrangler.ts";

/** The parts of a configuration of wrangler that a deployment fills in; the others pass through. */
export interface DeployConfig {
  name: string;
  main: string;
  vars: Record<string, string>;
  assets: { directory: string };
  d1_databases: { binding: string; database_name: string; database_id: string; migrations_dir: string }[];
  kv_namespaces: { binding: string; id: string }[];
  queues: {
    producers: { binding: string; queue: string }[];
    consumers: { queue: string; dead_letter_queue?: string }[];
  };
  [more: string]: unknown;
}

/** The ids of what was found or made in an account. */
export interface Resources {
  databaseId: string;
  namespaceId: string;
}

/** The name of the Worker and of its database, unless a deployment gives another. */
export const DEFAULT_SHOP = "holdfast";

/**
 * Where a shop's own configuration is kept: it has no secrets, and belongs into the shop's repository. `DEPLOY_DIR` names
 * another directory.
 */
export const configPath = (name: string): string =>
  join(resolve(process.env.DEPLOY_DIR || join(projectRoot, "deploy")), `${name}.json`);

/** A queue of one shop: an account may have several shops. */
export const queueName = (worker: string, queue: string): string => `${worker}-${queue}`;

export const baseConfig = (): DeployConfig =>
  parse(readFileSync(join(projectRoot, "wrangler.toml"), "utf8")) as unknown as DeployConfig;

/** The names of all queues in wrangler.toml. */
export function queuesOf({ queues }: DeployConfig): string[] {
  const consumed = queues.consumers.flatMap(({ queue, dead_letter_queue: dead }) => [
    queue,
    ...(dead ? [dead] : []),
  ]);
  return [...new Set([...queues.producers.map(({ queue }) => queue), ...consumed])];
}

/** What an earlier deployment left, and people added to it: a domain, placement, settings. */
export function keptConfig(path: string): Partial<DeployConfig> {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Partial<DeployConfig>) : {};
}

/**
 * The configuration of one shop: wrangler.toml with the shop's names, the ids of its resources and its settings. What
 * wrangler.toml does not name is kept as it stands in the shop's own file.
 * @param vars all plain settings, with those that are kept
 */
export function composeConfig(
  name: string,
  kept: Partial<DeployConfig>,
  vars: Record<string, string>,
  { databaseId, namespaceId }: Resources,
): DeployConfig {
  const base = baseConfig();
  const directory = dirname(configPath(name));
  const fromThere = (path: string) => relative(directory, join(projectRoot, path));
  const owned = (queue: string) => queueName(name, queue);
  return {
    ...kept,
    ...base,
    name,
    main: fromThere(base.main),
    vars: { ...vars, ENVIRONMENT: "production" },
    assets: { ...base.assets, directory: fromThere(base.assets.directory) },
    d1_databases: base.d1_databases.map((one) => ({
      ...one,
      database_name: name,
      database_id: databaseId,
      migrations_dir: fromThere(one.migrations_dir),
    })),
    kv_namespaces: base.kv_namespaces.map((one) => ({ ...one, id: namespaceId })),
    queues: {
      producers: base.queues.producers.map((one) => ({ ...one, queue: owned(one.queue) })),
      consumers: base.queues.consumers.map(({ dead_letter_queue: dead, ...one }) => ({
        ...one,
        queue: owned(one.queue),
        ...(dead === undefined ? {} : { dead_letter_queue: owned(dead) }),
      })),
    },
  };
}

export function writeConfig(path: string, config: DeployConfig): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`);
}
