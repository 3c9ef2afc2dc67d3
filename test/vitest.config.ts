import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("..", import.meta.url).href);

/**
 * Two projects: `worker` runs inside workerd beside real D1, Durable Objects and queues; `node` runs what people
 * start by hand, and the Stock logic over node:sqlite. What ends in `.node.test.ts` belongs to the latter.
 */
export default defineConfig({
  root,
  test: {
    projects: [
      {
        root,
        plugins: [
          cloudflareTest(async () => ({
            main: "./test/support/worker.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                MIGRATIONS: await readD1Migrations(`${root}/migrations`),
                JWT_PRIVATE_KEY: (await import("./support/keys.ts")).TEST_PRIVATE_KEY,
                ORDERS_PER_MINUTE: "0",
                REQUESTS_PER_MINUTE: "0",
                HOLD_SECONDS: "3600",
                ADMIN_EMAIL: "admin@shop.example",
              },
            },
          })),
        ],
        test: {
          name: "worker",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.node.test.ts", "test/chaos/long/**"],
          setupFiles: ["./test/support/setup.ts"],
          deps: { optimizer: { ssr: { enabled: true, include: ["itty-durable"] } } },
        },
      },
      {
        root,
        test: { name: "node", include: ["test/**/*.node.test.ts"], exclude: ["test/chaos/long/**"] },
      },
    ],
  },
});
