import { Agent, request } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { withMemory } from "./memory.ts";
import { draftOf } from "./operations.ts";
import { adminOf, fill, migrate, NO_LIMITS, SHOP, startFloor, startWholeShop } from "./shop.ts";
import { atRest, type Sold, soldOf } from "./sold.ts";

/** As many as the shop serves, and more than it can. */
const FEW = 128;
const MANY = 512;
const WARM_UP_SECONDS = 5;
/** As the other orders of the bench: of so many products. */
const ORDERED = 200;
/** The p99 of those served in a crowd, as a multiple of that of few; and the rate, which is to be as high but for noise. */
const MAY_WAIT = 2;
const MAY_FALL = 0.95;

/** What those got who asked for so long. */
interface Waits {
  connections: number;
  /** Served a second, and sent away a second. */
  rate: number;
  shed: number;
  /** Of those served, milliseconds. */
  p50: number;
  p99: number;
}

interface Crowd extends Waits {
  /** The ids of the orders that buyers were told of. */
  placed: string[];
  /** Answers that should not be: neither an order nor "come later", which says when. */
  odd: string[];
}

/**
 * More buyers than the shop can serve, beside as many as it can: what those get who are served, and whether an order was lost
 * or doubled. @param patient they come again when the answer says, and not at once
 */
export async function crowd(seconds: number, patient: boolean): Promise<void> {
  const shop = await withMemory(() => startWholeShop(NO_LIMITS));
  try {
    const db = await shop.db();
    await migrate(db);
    const { api } = await adminOf(shop);
    const { products } = await fill(api, SHOP);
    const ids = products.slice(0, ORDERED).map(({ id }) => id);
    const buy = (connections: number, time: number) => buyFor(shop.url, ids, connections, time, patient);
    const warm = await buy(FEW, WARM_UP_SECONDS);
    const few = await buy(FEW, seconds);
    const many = await buy(MANY, seconds);
    const again = await buy(FEW, WARM_UP_SECONDS);
    const bare = await crowdOfBare(seconds);
    print("the shop", [few, many]);
    print("a bare worker", bare);
    console.log(`workerd has ${shop.memory().toFixed(0)} MB`);

    await atRest(db);
    const told = [warm, few, many, again].flatMap(({ placed }) => placed);
    const sold = await soldOf(db, api, ids);
    const faults = [
      ...[warm, few, many, again].flatMap(({ odd }) => odd).slice(0, 5),
      ...wrong(told, sold),
      ...missed([few, many], bare),
    ];
    console.log(
      `${told.length} orders were told of, ${sold.orders.size} are there, ${sold.units} units are theirs, ${sold.reserved} are reserved`,
    );
    for (const fault of faults) console.log(fault);
    if (faults.length > 0) process.exitCode = 1;
  } finally {
    await shop.stop();
  }
}

/** What was lost, doubled, or is held by nobody. */
function wrong(told: string[], { orders, units, reserved, unknownHolds }: Sold): string[] {
  const twice = told.length - new Set(told).size;
  const lost = told.filter((id) => !orders.has(id)).length;
  const untold = orders.size - new Set(told).size;
  return [
    ...(twice > 0 ? [`${twice} orders were told twice`] : []),
    ...(lost > 0 ? [`${lost} orders were lost`] : []),
    // A buyer may be cut off when a load ends; here each waits for the answer.
    ...(untold > 0 ? [`${untold} orders were told to nobody`] : []),
    ...(units !== reserved ? [`living orders have ${units} units, and ${reserved} are reserved`] : []),
    ...(unknownHolds > 0 ? [`${unknownHolds} holds are of no living order`] : []),
  ];
}

/**
 * A bare worker whose requests only compute. Its one thread is as full, and workerd then goes on with the newest requests
 * first: what buyers wait for that reason no Worker can change.
 */
async function crowdOfBare(seconds: number): Promise<[few: Waits, many: Waits]> {
  const floor = await startFloor();
  try {
    const ask = (agent: Agent) => exchange(agent, `${floor.url}/busy`, "GET");
    const asked = async (connections: number): Promise<Waits> => {
      const times: number[] = [];
      const took = await loop(connections, seconds, async (agent) => {
        const sent = performance.now();
        await ask(agent);
        times.push(performance.now() - sent);
      });
      return waitsOf(connections, times, 0, took);
    };
    await asked(FEW);
    return [await asked(FEW), await asked(MANY)];
  } finally {
    await floor.stop();
  }
}

/** @param bare the same of a bare worker, beyond which the shop's own part begins */
function missed([few, many]: [Waits, Waits], [bareFew, bareMany]: [Waits, Waits]): string[] {
  const longer = many.p99 / few.p99;
  const bare = bareMany.p99 / bareFew.p99;
  const slower = many.rate / few.rate;
  return [
    ...(longer > Math.max(MAY_WAIT, bare)
      ? [
          `those served wait ${longer.toFixed(1)} times as long, a bare worker's ${bare.toFixed(1)} times; at most ${MAY_WAIT} is aimed at`,
        ]
      : []),
    ...(slower < MAY_FALL ? [`the rate falls to ${slower.toFixed(2)} of what ${FEW} connections get`] : []),
  ];
}

const placedSchema = z.object({ id: z.string() });

/** So many buyers order one thing after the other; each waits for its last answer when the time is over. */
async function buyFor(
  url: string,
  ids: string[],
  connections: number,
  seconds: number,
  patient: boolean,
): Promise<Crowd> {
  const times: number[] = [];
  const placed: string[] = [];
  const odd: string[] = [];
  let shed = 0;
  let turn = 0;
  const took = await loop(connections, seconds, async (agent) => {
    const two = [ids[(2 * turn) % ids.length] ?? "", ids[(2 * turn + 1) % ids.length] ?? ""];
    turn += 1;
    const sent = performance.now();
    const body = JSON.stringify(draftOf(two));
    const { status, text, retryAfter } = await exchange(agent, `${url}/api/v1/orders`, "POST", body);
    if (status === 201) {
      times.push(performance.now() - sent);
      placed.push(placedSchema.parse(JSON.parse(text)).id);
    } else if (status === 503 && retryAfter > 0) {
      shed += 1;
      if (patient) await pause(retryAfter * 1_000);
    } else odd.push(`answered ${status}: ${text.slice(0, 200)}`);
  });
  return { ...waitsOf(connections, times, shed, took), placed, odd };
}

/** Over so many connections, on each one after the other. @returns how long it took in all, seconds */
async function loop(
  connections: number,
  seconds: number,
  work: (agent: Agent) => Promise<void>,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const began = performance.now();
  const end = began + seconds * 1_000;
  const lane = async () => {
    while (performance.now() < end) await work(agent);
  };
  await Promise.all(Array.from({ length: connections }, lane));
  agent.destroy();
  return (performance.now() - began) / 1_000;
}

function waitsOf(connections: number, times: number[], shed: number, took: number): Waits {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0;
  return { connections, rate: times.length / took, shed: shed / took, p50: at(0.5), p99: at(0.99) };
}

function exchange(
  agent: Agent,
  url: string,
  method: "GET" | "POST",
  body = "",
): Promise<{ status: number; text: string; retryAfter: number }> {
  return new Promise((resolve, reject) => {
    const headers = body
      ? { "content-type": "application/json", "content-length": Buffer.byteLength(body) }
      : {};
    const sent = request(url, { agent, method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("error", reject);
      answer.on("end", () => {
        const retryAfter = Number(answer.headers["retry-after"] ?? 0);
        resolve({ status: answer.statusCode ?? 0, text, retryAfter });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function print(of: string, waits: Waits[]): void {
  console.log(`\n${of}\nconnections  served/s    shed/s  p50 ms  p99 ms`);
  for (const { connections, rate, shed, p50, p99 } of waits) {
    const cells = [`${connections}`.padStart(11), rate.toFixed(0).padStart(9), shed.toFixed(0).padStart(9)];
    console.log(`${cells.join(" ")} ${p50.toFixed(0).padStart(7)} ${p99.toFixed(0).padStart(7)}`);
  }
}
