import { setTimeout as pause } from "node:timers/promises";
import { defineCommand, runMain } from "citty";
import { ADDRESS_HEADER } from "./addresses.ts";
import { AS_SHIPPED, migrate, startShop } from "./shop.ts";

/** Wrong passwords, many times as many as are computed. */
const A_SECOND = 50;
/** They come from so many addresses, and try as many accounts. What an address or an account may do is not limited here. */
const STRANGERS = 50;
const SETTINGS = { ...AS_SHIPPED, SIGN_INS_PER_MINUTE: "0", REQUESTS_PER_MINUTE: "0" };
const TURNS = 4;
const READS = 1_500;

interface Reads {
  /** Milliseconds, each. */
  took: number[];
}

async function read(url: string): Promise<Reads> {
  const took: number[] = [];
  for (let n = 0; n < READS; n++) {
    const began = performance.now();
    const answer = await fetch(`${url}/api/v1/stores`, { headers: { [ADDRESS_HEADER]: "198.51.100.1" } });
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`a read was answered ${answer.status}`);
    took.push(performance.now() - began);
  }
  return { took };
}

let asked = 0;

async function tryPassword(url: string, statuses: Map<number, number>): Promise<void> {
  const stranger = asked++ % STRANGERS;
  const answer = await fetch(`${url}/api/v1/auth/token`, {
    method: "POST",
    headers: { "content-type": "application/json", [ADDRESS_HEADER]: `192.0.2.${stranger}` },
    body: JSON.stringify({ email: `${stranger}@shop.example`, password: "a wrong password" }),
  });
  await answer.arrayBuffer();
  statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
}

/** So many a second, whether or not those before were answered, until `over`. */
async function flood(url: string, over: { yet: boolean }, statuses: Map<number, number>): Promise<void> {
  const tries: Promise<void>[] = [];
  while (!over.yet) {
    tries.push(tryPassword(url, statuses));
    await pause(1_000 / A_SECOND);
  }
  await Promise.all(tries);
}

const at = (took: number[], part: number): number =>
  took.toSorted((one, other) => one - other)[Math.floor((took.length - 1) * part)] ?? Number.NaN;

const told = ({ took }: Reads): string =>
  `p50 ${at(took, 0.5).toFixed(2)} ms, p95 ${at(took, 0.95).toFixed(1)} ms, p99 ${at(took, 0.99).toFixed(1)} ms`;

async function bench(): Promise<void> {
  const shop = await startShop(undefined, SETTINGS);
  try {
    await migrate(await shop.db());
    await read(shop.url);
    const [calm, flooded]: [Reads, Reads] = [{ took: [] }, { took: [] }];
    const statuses = new Map<number, number>();
    for (let turn = 0; turn < TURNS; turn++) {
      calm.took.push(...(await read(shop.url)).took);
      const over = { yet: false };
      const flooding = flood(shop.url, over, statuses);
      flooded.took.push(...(await read(shop.url)).took);
      over.yet = true;
      await flooding;
    }
    console.log(`alone:            ${told(calm)}`);
    console.log(`under the flood:  ${told(flooded)}`);
    console.log(`sign-ins by status: ${[...statuses].map((pair) => pair.join(": ")).join(", ")}`);
    console.log(`p50 under the flood is ${(at(flooded.took, 0.5) / at(calm.took, 0.5)).toFixed(2)} of alone`);
  } finally {
    await shop.stop();
  }
}

await runMain(
  defineCommand({
    meta: {
      name: "npm run bench:sign-in",
      description: "How long a read takes while strangers try passwords, by turns with none who do",
    },
    run: bench,
  }),
);
