import { existsSync } from "node:fs";
import { defineCommand, runMain } from "citty";
import { compareStart, compareWith } from "./against.ts";
import { besideFloor } from "./beside-floor.ts";
import { printCosts } from "./costs/costs.ts";
import { crowd } from "./crowd.ts";
import { CONNECTIONS, TOOLS, type Tool, usualTool } from "./load.ts";
import type { Options } from "./modes.ts";

/** Where a system has it, the state of both is kept there: it is not this machine's disk that is measured. */
const MEMORY = "/dev/shm";

const QUEUES = ["lists", "all"] as const;

function toolsOf(text: string | undefined): Tool[] {
  if (text === undefined) return [usualTool()];
  return text.split(",").map((name) => {
    const tool = TOOLS.find((one) => one === name);
    if (!tool) throw new Error(`--load is one of ${TOOLS.join()}, or both, and not ${name}`);
    return tool;
  });
}

/** @param queues `lists` or `all` */
function optionsOf(given: Record<"seconds" | "rounds" | "connections", string>, more: More): Options {
  const { only, limits, queues } = more;
  if (!QUEUES.some((name) => name === queues)) throw new Error(`--queues is one of ${QUEUES.join()}`);
  const seconds = Number(given.seconds);
  const tools = toolsOf(more.load);
  const connections = given.connections.split(",").map(Number);
  return {
    seconds,
    rounds: Number(given.rounds),
    tools,
    hows: tools.flatMap((tool) =>
      connections.map((count) => ({ tool, connections: count, seconds, addresses: limits })),
    ),
    // What a limit refuses after a few requests cannot be measured under it.
    wants: ({ name, guests }) => (only === undefined || name.includes(only)) && (guests || !limits),
    allQueues: queues === "all",
    limits,
  };
}

interface More {
  load: string | undefined;
  only: string | undefined;
  limits: boolean;
  queues: string;
}

const command = defineCommand({
  meta: { name: "npm run bench --", description: "Measures the API, each operation beside its floor" },
  args: {
    seconds: {
      type: "string",
      description: "How long a window is: 20, after a warm-up; with --crowd 60",
    },
    rounds: { type: "string", default: "3", description: "Windows of each operation; the middle one counts" },
    connections: {
      type: "string",
      default: `${CONNECTIONS}`,
      description: "Over how many connections, such as 1,32,128",
    },
    load: {
      type: "string",
      description: "What sends the requests: wrk, autocannon, or both; wrk where it is installed",
    },
    limits: {
      type: "boolean",
      default: false,
      description: "Limits as shipped, and guests from many addresses: an order asks a limiter more",
    },
    queues: {
      type: "string",
      description: "Which are worked off: lists (the floor does as much), or all, as in `npm start`",
    },
    only: { type: "string", description: "Only operations whose name has this in it" },
    scale: {
      type: "boolean",
      default: false,
      description: "Also in a shop of 120,000 products and 300,000 orders",
    },
    costs: {
      type: "boolean",
      default: false,
      description:
        "What each operation and an order's whole life cost in dollars, with no load: some 10 minutes",
    },
    crowd: {
      type: "boolean",
      default: false,
      description:
        "512 buyers beside 128, each for --seconds: those served and sent away, and whether an order is lost",
    },
    patient: {
      type: "boolean",
      default: false,
      description: "With --crowd: who is sent away comes again when the answer says",
    },
    against: {
      type: "string",
      description: "Another checkout, to be compared by turns; its packages are installed",
    },
    start: {
      type: "boolean",
      default: false,
      description: "What `npm start` serves, by turns with this bench's shop",
    },
  },
  run: ({ args: { scale, against, start, costs, crowd: crowded, patient, ...given } }) => {
    if (existsSync(MEMORY)) process.env.TMPDIR = MEMORY;
    if (costs) return printCosts(given.only);
    if (crowded) return crowd(Number(given.seconds ?? 60), patient);
    // A floor has no mails to send; of two shops it is asked what they sell, mails and all.
    const usual = start || against !== undefined ? "all" : "lists";
    const options = optionsOf(
      { ...given, seconds: given.seconds ?? "20" },
      { ...given, queues: given.queues ?? usual },
    );
    if (start) return compareStart(options);
    return against === undefined ? besideFloor(scale, options) : compareWith(against, options, scale);
  },
});

await runMain(command);
