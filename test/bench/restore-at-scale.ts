import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defineCommand, runMain } from "citty";
import { type Checkout, openCheckout } from "./scale/checkout.ts";
import type { ShopSize } from "./scale/made-up-orders.ts";
import { type MeasureOptions, measure, type Run } from "./scale/measure.ts";
import { printGrowth, printRatios, printRun } from "./scale/print.ts";
import { ADMIN } from "./shop.ts";

/** Where a system has it, the state of the shops is kept there: it is not this machine's disk that is measured. */
const MEMORY = "/dev/shm";

async function bench(sizes: ShopSize[], other: Checkout | null, options: MeasureOptions): Promise<void> {
  if (existsSync(MEMORY)) process.env.TMPDIR = MEMORY;
  // A long restore signs in again.
  process.env.ADMIN_EMAIL = ADMIN.email;
  process.env.ADMIN_PASSWORD = ADMIN.password;
  console.log(`${availableParallelism()} cores, which the command shares with the server`);
  const ours: Run[] = [];
  const others: Run[] = [];
  const checkout = await openCheckout("ours", ".");
  for (const size of sizes) {
    ours.push(await measured(size, checkout, options));
    if (other !== null) others.push(await measured(size, other, options));
  }
  printGrowth(ours);
  printGrowth(others);
  if (other !== null) printRatios(ours, others);
}

async function measured(size: ShopSize, checkout: Checkout, options: MeasureOptions): Promise<Run> {
  const run = await measure(size, checkout, options);
  printRun(run);
  return run;
}

/** @param parts such as `0.25,0.5,1`: of the whole size, each */
const sizesOf = (whole: ShopSize, parts: string): ShopSize[] =>
  parts.split(",").map((part) => ({
    products: Math.max(3, Math.round(whole.products * Number(part))),
    orders: Math.round(whole.orders * Number(part)),
    operations: Math.round(whole.operations * Number(part)),
  }));

const command = defineCommand({
  meta: {
    name: "npm run bench:restore --",
    description: "Restores and saves made-up shops of several sizes, and times each step",
  },
  args: {
    products: { type: "string", default: "10000", description: "Products of the whole size" },
    orders: { type: "string", default: "200000", description: "Orders of the whole size" },
    operations: { type: "string", default: "60000", description: "Operations of one product" },
    parts: {
      type: "string",
      default: "0.25,0.5,1",
      description: "Which parts of the whole size, in this order",
    },
    twice: {
      type: "boolean",
      default: false,
      description: "Restores again, over the shop that is full by then",
    },
    verbose: { type: "boolean", default: false, description: "Prints what the commands print" },
    against: {
      type: "string",
      description: "Another checkout, to be compared by turns; its packages are installed",
    },
  },
  run: async ({ args }) =>
    bench(
      sizesOf(
        {
          products: Number(args.products),
          orders: Number(args.orders),
          operations: Number(args.operations),
        },
        args.parts,
      ),
      args.against === undefined ? null : await openCheckout("other", args.against),
      { twice: args.twice, verbose: args.verbose },
    ),
});

await runMain(command);
