import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defineCommand, runMain } from "citty";
import { startPricedShop } from "../costs/priced-shop.ts";
import { CONNECTIONS } from "../load.ts";
import { NO_LIMITS } from "../shop.ts";
import { FLAT, grown, perOrder, takeThrough } from "./parts.ts";

/** Where a system has it, the state is kept there: it is not this machine's disk that is measured. */
const MEMORY = "/dev/shm";
/** Parts of the whole, each of which has a line. */
const PARTS = 10;
/** What an order costs may differ by so much between the second part and the last: groups and batches are as they come. */
const MAY_GROW = 0.05;
/** How much larger workerd may be at the end than after the second part. */
const MEMORY_MAY_GROW = 1.2;
/** After so many parts everything that a shop keeps in memory is there. */
const SETTLED = 2;

const HEAD = ["orders", "lives/s", ...FLAT.map(({ name }) => name), "RSS MB", "D1 B", "objects B"];
const line = (texts: string[]) =>
  console.log(texts.map((text, place) => text.padStart((HEAD[place]?.length ?? 0) + 2)).join(""));

async function soak(orders: number): Promise<string[]> {
  if (existsSync(MEMORY)) process.env.TMPDIR = MEMORY;
  const each = Math.ceil(orders / PARTS);
  const shop = await startPricedShop(NO_LIMITS);
  try {
    console.log(
      `${availableParallelism()} cores, ${CONNECTIONS} connections, ${orders} orders of two from placed to delivered; of each order, in the ${each} before:\n`,
    );
    line(HEAD);
    const parts: { costs: number[]; memory: number }[] = [];
    let stored = shop.stored();
    for (let part = 1; part <= PARTS; part++) {
      const { counts, seconds } = await takeThrough(shop, (part - 1) * each, each, CONNECTIONS);
      const costs = perOrder(counts, each);
      const memory = shop.memory();
      const now = shop.stored();
      const bytes = [now.d1 - stored.d1, now.objects - stored.objects].map((more) => more / each);
      stored = now;
      parts.push({ costs, memory });
      line([
        `${part * each}`,
        (each / seconds).toFixed(1),
        ...costs.map((cost) => cost.toFixed(2)),
        memory.toFixed(0),
        ...bytes.map((more) => more.toFixed(0)),
      ]);
    }
    const [settled, last] = [parts[SETTLED - 1], parts.at(-1)];
    if (!settled || !last) throw new Error("nothing was measured");
    const larger = last.memory / settled.memory;
    const tooLarge = `workerd grew from ${settled.memory.toFixed(0)} MB to ${last.memory.toFixed(0)} MB, which is more than ${MEMORY_MAY_GROW} times`;
    return [...grown(settled.costs, last.costs, MAY_GROW), ...(larger > MEMORY_MAY_GROW ? [tooLarge] : [])];
  } finally {
    await shop.stop();
  }
}

const command = defineCommand({
  meta: {
    name: "npm run soak --",
    description:
      "Takes many orders through their whole life: what one costs, and what workerd keeps in memory, must not grow",
  },
  args: { orders: { type: "string", default: "100000", description: "How many; each tenth has a line" } },
  run: async ({ args }) => {
    const broken = await soak(Number(args.orders));
    for (const fault of broken) console.log(fault);
    console.log(broken.length === 0 ? "\nnothing grew" : "");
    if (broken.length > 0) process.exitCode = 1;
  },
});

await runMain(command);
