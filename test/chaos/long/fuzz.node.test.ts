import { afterAll, beforeAll, expect, test } from "vitest";
import { driftOf, fuzz } from "../../fuzz/run.ts";
import { removeState, type Server, startServer } from "../../support/server.ts";

/** The short form of `npm run fuzz`, the same requests each time. */
const REQUESTS = 2_500;
const SEED = 7;
/** Of some hundred and twenty; what is left needs a state that no request of these makes. */
const LEAST_OPERATIONS = 80;

let server: Server;
beforeAll(async () => {
  server = await startServer({ env: { LOOKUPS_PER_MINUTE: "0" } });
}, 180_000);
afterAll(async () => {
  await server.stop();
  removeState(server.stateDir);
});

test("whatever is sent is answered as the document says, in time, and stock agrees with the orders", async () => {
  const adminToken = await server.adminToken();
  const report = await fuzz({ url: server.url, adminToken, requests: REQUESTS, seed: SEED });
  expect(report.found).toEqual([]);
  expect(report.requests).toBeGreaterThan(REQUESTS * 0.9);
  expect(report.successes.size, `${[...report.successes.keys()]}`).toBeGreaterThan(LEAST_OPERATIONS);
  expect(await driftOf(server.url, adminToken)).toEqual({});
}, 300_000);
