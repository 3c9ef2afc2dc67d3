import autocannon from "autocannon";

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

/** How many connections a measurement uses where nothing else is said. */
export const CONNECTIONS = 32;

/**
 * Sends requests over so many connections, on each as soon as it has its answer.
 * @param next makes the n-th request
 * @param expected how the answers should begin
 */
export async function load(
  url: string,
  next: (turn: number) => Ask,
  seconds: number,
  expected: "2xx" | "4xx" = "2xx",
  connections = CONNECTIONS,
): Promise<Measured> {
  let turn = 0;
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [{ setupRequest: (request) => ({ ...request, ...next(turn++) }) }],
  });
  return {
    rate: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
    failures: result.requests.total - result[expected] + result.errors,
  };
}
