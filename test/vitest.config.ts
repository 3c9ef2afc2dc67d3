import { existsSync, statfsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { plantFault } from "./chaos/faults.ts";

const root = fileURLToPath(new URL("..", import.meta.url).href);
const fault = process.env.PLANTED_FAULT;
/** Where there is room in memory: what the tests store is thrown away, and need not wait for a disk at each commit. */
const MEMORY = "/dev/shm";
const ROOM = 2 ** 30;
if (process.env.TMPDIR === undefined && existsSync(MEMORY)) {
  const { bavail, bsize } = statfsSync(MEMORY);
  if (bavail * bsize >= ROOM) process.env.TMPDIR = MEMORY;
}

/** For what hangs, milliseconds. Not a measure: a busy machine is slow, and that is no fault. */
const BOUNDS = { testTimeout: 60_000, hookTimeout: 60_000 };

/** How long a test that polls lets pass between two looks, milliseconds: a look costs about one. */
const POLLING = { poll: { interval: 5 } };

/** What the Worker and its tests take from packages: put together once, where it would be 300 modules of each Worker. */
const PACKAGES = [
  "@hono/zod-openapi",
  "@logtape/logtape",
  "croner",
  "dinero.js",
  "dinero.js/currencies",
  "drizzle-orm",
  "drizzle-orm/d1",
  "drizzle-orm/sqlite-core",
  "fast-check",
  "hono",
  "hono/cors",
  "hono/html",
  "hono/http-exception",
  "hono/route",
  "hono/router",
  "hono/router/reg-exp-router",
  "hono/router/smart-router",
  "hono/router/trie-router",
  "itty-durable",
  "jose",
  "mimetext/browser",
  "standardwebhooks",
  "stripe",
  "ulid",
  "zod",
];

/** What takes longest, of each project the longest first. */
const LONGEST = [
  "test/cli/operations.node.test.ts",
  "test/cli/commands.node.test.ts",
  "test/inventory/stock-model.node.test.ts",
  "test/cli/pay.node.test.ts",
  "test/chaos/death.test.ts",
  "test/costs/costs.test.ts",
  "test/catalog/search/search.test.ts",
  "test/security/bad-input.test.ts",
  "test/orders/statistics/rebuild.test.ts",
  "test/chaos/bulk-rivals.test.ts",
  "test/chaos/random.test.ts",
  "test/ops/reconcile/reconcile-all.test.ts",
];

/**
 * The longest first, so that at the end both lanes have something to do. vitest orders by what it measured, but on a fresh
 * clone by size, which says little: some of the longest are short files.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return place === -1 ? LONGEST.length : place;
    };
    return sorted.sort(
      (a, b) => projects.indexOf(a.project) - projects.indexOf(b.project) || rank(a) - rank(b),
    );
  }
}

/** Inside workerd, beside real D1, Durable Objects and queues. */
const inWorker: TestProjectConfiguration = {
  root,
  plugins: [
    ...(fault ? [plantFault(fault)] : []),
    cloudflareTest(async () => ({
      main: "./test/support/worker.ts",
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        // A batch is sent as soon as there is one: tests need not wait for a second message.
        queueConsumers: Object.fromEntries(
          ["orders", "payments", "notifications", "inventory", "default"].map((queue) => [
            queue,
            { maxBatchSize: 20, maxBatchTimeout: 0, maxRetries: 5, deadLetterQueue: "dead-letters" },
          ]),
        ),
        bindings: {
          MIGRATIONS: await readD1Migrations(`${root}/migrations`),
          ENVIRONMENT: "development",
          JWT_PRIVATE_KEY: (await import("./support/keys.ts")).TEST_PRIVATE_KEY,
          ORDERS_PER_MINUTE: "0",
          REGISTRATIONS_PER_HOUR: "0",
          REQUESTS_PER_MINUTE: "0",
          LOOKUPS_PER_MINUTE: "0",
          WEBHOOKS_PER_MINUTE: "0",
          HOLD_SECONDS: "3600",
          FULFILMENT: "manual",
          ADMIN_EMAIL: "admin@shop.example",
          PAYMENT_WEBHOOK_SECRET: (await import("./support/payment-secrets.ts")).TEST_WEBHOOK_SECRET,
        },
      },
    })),
  ],
  test: {
    name: "worker",
    ...BOUNDS,
    expect: POLLING,
    // Files share a Worker, and load it once; each test starts from empty storage all the same.
    isolate: false,
    include: ["test/**/*.test.ts"],
    exclude: ["test/**/*.node.test.ts", "test/chaos/long/**"],
    setupFiles: ["./test/support/setup.ts"],
    deps: {
      optimizer: { ssr: { enabled: true, include: PACKAGES } },
    },
  },
};

/**
 * Two projects: `worker`, and `node`, which runs what people start by hand, and the Stock logic over node:sqlite. What
 * ends in `.node.test.ts` belongs to the last.
 */
export default defineConfig({
  root,
  // Beside the state, not in node_modules: two checkouts may share those.
  cacheDir: `${root}/.wrangler/vite`,
  test: {
    // The Worker's JSON logs are for the test that failed.
    silent: "passed-only",
    // Two at a time: each is a workerd of its own, which uses one core, and takes the next file when it has done one.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      inWorker,
      {
        root,
        test: {
          name: "node",
          ...BOUNDS,
          // Files share a process, and load what they share once.
          isolate: false,
          include: ["test/**/*.node.test.ts"],
          exclude: ["test/chaos/long/**"],
        },
      },
    ],
  },
});
