import autocannon from "autocannon";
import { ADDRESS_HEADER, addressOf } from "./addresses.ts";
import { hasWrk, runWrk } from "./wrk.ts";

/** One kind of request, as a client sends it. */
export interface Ask {
  method: "GET" | "POST";
  /** Under the server's address, query and all. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface Measured {
  /** Answers a second. */
  rate: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Answers of another class than expected, and connections that broke: none in a run that counts. */
  failures: number;
}

/** What sends the requests: `wrk` takes less of the cores that it shares with the server, `autocannon` comes with npm. */
export const TOOLS = ["wrk", "autocannon"] as const;
export type Tool = (typeof TOOLS)[number];

/** How many connections a measurement uses where nothing else is said. */
export const CONNECTIONS = 32;

/** `wrk` where it is installed. */
export const usualTool = (): Tool => (hasWrk() ? "wrk" : "autocannon");

export interface LoadOptions {
  seconds: number;
  connections: number;
  tool: Tool;
  /** How the answers should begin. */
  expected: "2xx" | "4xx";
  /** Sends each request from an address that is not limited yet. */
  addresses: boolean;
}

/** The n-th request of this process, so that no load goes on with the addresses of one before it. */
let sent = 0;

/**
 * Sends requests over so many connections, on each as soon as it has its answer.
 * @param next makes the n-th request
 */
export async function load(
  url: string,
  next: (turn: number) => Ask,
  options: LoadOptions,
): Promise<Measured> {
  if (options.tool === "autocannon") return runAutocannon(url, next, options);
  const { requests, ...measured } = await runWrk(url, next, sent, options);
  // What was under way when the load ended was sent, too.
  sent += requests + options.connections;
  return measured;
}

async function runAutocannon(
  url: string,
  next: (turn: number) => Ask,
  { connections, seconds, expected, addresses }: LoadOptions,
): Promise<Measured> {
  let turn = 0;
  const setupRequest: autocannon.Request["setupRequest"] = (request) => {
    const ask = next(turn++);
    const from = addresses ? { [ADDRESS_HEADER]: addressOf(sent++) } : {};
    return { ...request, ...ask, headers: { ...ask.headers, ...from } };
  };
  const result = await autocannon({ url, connections, duration: seconds, requests: [{ setupRequest }] });
  return {
    rate: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
    failures: result.requests.total - result[expected] + result.errors,
  };
}
