import { type Counts, dearest, dollarsOf, sumOf, together } from "./counts.ts";
import { METERS, type Meter, PRICED_ON, PRICES } from "./prices.ts";

/** What was counted in each part of an order's life. */
export type Life = { name: string; counts: Counts }[];

/** Dollars for a million whole lives, at most: what the shop aims at. */
const AIM = 60;
/** What costs so many dollars for a million orders, or more, has a line of its own. */
const DEAR = 1;
/** What a million mails cost by Cloudflare's Email Service: https://developers.cloudflare.com/email-service/platform/pricing/ */
const MAILS = 350;

const dollars = (value: number): string => value.toFixed(2).padStart(16);
const amount = (value: number): string => value.toFixed(value < 10 ? 2 : 1).padStart(16);

const wholeOf = (life: Life): Counts => together(life.map(({ counts }) => counts));

/** @param crowd how many of each were sent at once for the second column */
export function printOperations(crowd: number, costs: { name: string; one: Counts; crowd: Counts }[]): void {
  console.log(
    `dollars for a million by the prices of ${PRICED_ON}, limits off, with all that goes on behind the answer;`,
  );
  console.log(`of a bulk, for a million orders; the processor's time only of many at once\n`);
  const head = ["alone", `${crowd} at once`].map((text) => text.padStart(16)).join("");
  const most: Meter[] = ["worker_request", "object_request", "d1_row_read", "d1_row_written"];
  const more: Meter[] = [...most, "object_row_written", "queue_operation", "kv_read", "kv_write"];
  console.log(`${"".padEnd(30)}${head}   alone: ${more.map((meter) => PRICES[meter].name).join(", ")}`);
  for (const { name, one, crowd: many } of costs) {
    const counted = more.map((meter) => Number(sumOf(one, meter).toFixed(2))).join(", ");
    console.log(`${name.padEnd(30)}${dollars(dollarsOf(one))}${dollars(dollarsOf(many))}   ${counted}`);
  }
}

/** The life of an order of two, as columns: its parts, what is billed, and each thing that costs more than a dollar. */
export function printLives(lives: { name: string; life: Life }[]): void {
  const [first] = lives;
  if (!first) return;
  const wholes = lives.map(({ life }) => wholeOf(life));
  const line = (name: string, texts: string[]) => console.log(`${name.padEnd(46)}${texts.join("")}`);
  const heads = lives.map(({ name }) => name.padStart(16));
  console.log(`\nthe life of an order of two, limits as shipped: dollars for a million\n`);
  line("", heads);
  for (const [place, { name }] of first.life.entries()) {
    line(
      name,
      lives.map(({ life }) => dollars(dollarsOf(life[place]?.counts ?? {}))),
    );
  }
  line(
    `the whole life (aim: ${AIM})`,
    wholes.map((counts) => dollars(dollarsOf(counts))),
  );

  console.log(`\nwhat is billed, for each order, and dollars for a million of it\n`);
  line("", heads);
  for (const meter of METERS) {
    line(
      `${PRICES[meter].name}, ${PRICES[meter].dollars}`,
      wholes.map((counts) => amount(sumOf(counts, meter))),
    );
  }
  line(
    "calls of D1, which are not billed",
    wholes.map((counts) => amount(sumOf(counts, "d1_call"))),
  );

  console.log(`\neach thing that costs ${DEAR} dollar or more for a million orders\n`);
  line("", heads);
  const things = wholes.map((counts) => new Map(dearest(counts).map((one) => [nameOf(one), one.dollars])));
  const dear = [
    ...new Set(things.flatMap((of) => [...of].filter(([, value]) => value >= DEAR).map(([name]) => name))),
  ];
  for (const name of dear)
    line(
      name,
      things.map((of) => dollars(of.get(name) ?? 0)),
    );

  const [, asked] = first.life;
  const question = Object.entries(asked?.counts ?? {}).filter(([name]) => !name.includes("RateLimiter"));
  console.log(`
Each further question of its holds (after an hour, and each day until it is shipped), at most: ${dollarsOf(Object.fromEntries(question)).toFixed(2)}.
CPU is all that workerd took, D1 and objects too, so it is too much; of a single order it is left out. Left out as well:
the mail itself (${MAILS} by Cloudflare's Email Service), what the minute's sweep costs however many orders there are, what
is stored, and the clean-up of history, events and tasks after RETENTION_DAYS, which writes each of their rows once more.`);
  const over = wholes.some((counts) => dollarsOf(counts) > AIM);
  console.log(
    over ? `A whole life costs more than the aim of ${AIM} dollars.` : `Within the aim of ${AIM} dollars.`,
  );
}

const nameOf = ({ meter, thing }: { meter: Meter; thing: string }): string =>
  `${PRICES[meter].name}: ${thing}`;
