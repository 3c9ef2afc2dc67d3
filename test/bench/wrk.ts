import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { ADDRESS_HEADER, ADDRESSES, ORDERS_OF_AN_ADDRESS } from "./addresses.ts";
import type { Ask, LoadOptions, Measured } from "./load.ts";

/** Requests that differ, which the load goes through again and again. */
const DIFFERENT = 256;
/** One thread sends some ten times what the shop answers. */
const THREADS = 1;
const PLACE = "@address@";

/** Whether `wrk` is installed; Debian has it. */
export const hasWrk = (): boolean => spawnSync("wrk", ["-v"]).error === undefined;

const doneSchema = z.object({
  requests: z.number(),
  microseconds: z.number(),
  refused: z.number(),
  broken: z.number(),
  p50: z.number(),
  p99: z.number(),
});

/**
 * Sends requests by `wrk`. It counts answers of 400 and above as one, so a 500 passes for a refusal where one is expected.
 * It adds to the latencies what a connection that waited would have sent meanwhile.
 * @param begin the place of the first request among the addresses
 */
export async function runWrk(
  url: string,
  next: (turn: number) => Ask,
  begin: number,
  { connections, seconds, expected, addresses }: LoadOptions,
): Promise<Measured & { requests: number }> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-wrk-"));
  try {
    const script = join(directory, "load.lua");
    writeFileSync(script, scriptOf(asksOf(next), begin, addresses));
    const options = [`-t${THREADS}`, `-c${connections}`, `-d${seconds}s`, "--timeout", "30s", "-s", script];
    const { stdout, stderr } = await promisify(execFile)("wrk", [...options, url]);
    // It goes on without a script that it cannot read.
    if (stderr !== "") throw new Error(`wrk complains: ${stderr}`);
    const done = doneSchema.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
    const unexpected = expected === "2xx" ? done.refused : done.requests - done.refused;
    return {
      requests: done.requests,
      rate: done.requests / (done.microseconds / 1_000_000),
      p50: done.p50 / 1_000,
      p99: done.p99 / 1_000,
      failures: unexpected + done.broken,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function asksOf(next: (turn: number) => Ask): Ask[] {
  const asks = new Map<string, Ask>();
  for (let turn = 0; turn < DIFFERENT; turn++) {
    const ask = next(turn);
    asks.set(JSON.stringify(ask), ask);
  }
  return [...asks.values()];
}

const text = (value: string): string => `[====[${value}]====]`;

function lineOf({ method, path, headers = {}, body }: Ask, addresses: boolean): string {
  const all = { ...headers, ...(addresses ? { [ADDRESS_HEADER]: PLACE } : {}) };
  const table = Object.entries(all).map(([name, value]) => `[ ${text(name)} ]=${text(value)}`);
  return `add(${text(method)}, ${text(path)}, {${table.join()}}, ${body === undefined ? "nil" : text(body)})`;
}

/** All requests are made before the load begins; only the address is put in while it runs. */
const scriptOf = (asks: Ask[], begin: number, addresses: boolean): string => `
local heads, tails, turn = {}, {}, ${begin}
local function add(method, path, headers, body)
  local request = wrk.format(method, path, headers, body)
  local from, to = request:find("${PLACE}", 1, true)
  heads[#heads + 1] = from and request:sub(1, from - 1) or request
  tails[#tails + 1] = from and request:sub(to + 1) or ""
end
function init()
${asks.map((ask) => lineOf(ask, addresses)).join("\n")}
end
function request()
  local at, address = turn % #heads + 1, ""
  if ${addresses} then
    local place = math.floor(turn / ${ORDERS_OF_AN_ADDRESS}) % ${ADDRESSES}
    address = string.format("10.0.%d.%d", math.floor(place / 256), place % 256)
  end
  turn = turn + 1
  return heads[at] .. address .. tails[at]
end
function done(summary, latency)
  local errors = summary.errors
  print(string.format('{"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d}',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`;
