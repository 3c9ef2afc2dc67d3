import type { Buyer } from "./buyer.ts";
import type { Ends } from "./lives.ts";
import type { Provider } from "./provider.ts";
import type { World } from "./world.ts";

const sum = (amounts: number[]): number => amounts.reduce((total, amount) => total + amount, 0);

/** One order for each buyer who was answered, and never two. */
export function miscountedOrders(buyers: Buyer[], { lives }: Ends): string[] {
  return buyers.flatMap((buyer) => {
    const orders = lives.filter((life) => life.buyer === buyer).length;
    return orders > 1 || (buyer.told !== "nothing" && orders === 0)
      ? [`${buyer.email} has ${orders} orders`]
      : [];
  });
}

/** What was answered is kept, as it was told, and nothing else is. */
export function miscountedEvents(provider: Provider, { events }: Ends): string[] {
  const told = new Map(provider.told.map((one) => [one.eventId, one]));
  const kept = new Set(events.map(({ event_id }) => event_id));
  return [
    ...provider.told
      .filter(({ eventId, answeredAt }) => answeredAt !== null && !kept.has(eventId))
      .map(({ eventId }) => `${eventId} was answered and is lost`),
    ...events
      .filter(({ kind }) => kind !== "refunded")
      .filter(({ event_id, kind, amount }) => {
        const word = told.get(event_id);
        return word?.kind !== kind || word.amount !== amount;
      })
      .map(({ event_id }) => `${event_id} was never told so`),
  ];
}

/** Each refund was asked for with one amount, and what was asked for is what D1 says was sent. */
export async function miscountedRefunds(
  world: World,
  provider: Provider,
  { refunds, events }: Ends,
): Promise<string[]> {
  const asked = await provider.refundsAsked();
  const wrong = [...asked]
    .filter(([, amounts]) => new Set(amounts).size > 1)
    .map(([id]) => `${id} had amounts`);
  const sent = refunds.filter(({ state }) => state !== "failed");
  const unasked = sent.filter(({ id }) => !asked.has(id));
  const isKnown = (refundId: string) => refunds.some(({ id }) => id === refundId);
  const paid = provider.opensPayments
    ? [...world.stripe.stub.refunds.values()]
        .filter((refund) => refund.status !== "failed" && (world.history === 0 || isKnown(idOf(refund))))
        .map(({ amount }) => Number(amount))
    : [...asked.values()].map(([amount = 0]) => amount);
  // What was asked for before a restore, and forgotten by it, was sent back all the same: it stands as a refund of its amount.
  for (const { event_id, outcome, amount } of events) {
    const told = event_id.replace(/^evt_of_/, "");
    const byStripe = world.stripe.stub.refunds.get(told);
    const isForgotten = byStripe ? !isKnown(idOf(byStripe)) : !asked.has(told);
    const at = unasked.findIndex((refund) => refund.amount === amount);
    if (!["refunded", "refund_recorded"].includes(outcome ?? "") || !isForgotten || at < 0) continue;
    unasked.splice(at, 1);
    paid.push(amount);
  }
  const there = sum(sent.map(({ amount }) => amount));
  if (sum(paid) !== there) wrong.push(`the provider sent ${sum(paid)} back, D1 says ${there}`);
  return [...wrong, ...unasked.map(({ id }) => `${id} was never asked for`)];
}

/** Our id of a refund, as Stripe was told it. */
const idOf = ({ metadata }: Record<string, unknown>): string => (metadata as { refund_id: string }).refund_id;

/** One confirmation for each order that lives; of two mails at most one is by a sender that nothing befell. */
export function miscountedMails(world: World, { lives, mailWork }: Ends): string[] {
  const wrong = [...world.mails].flatMap(([work, senders]) =>
    senders.filter(({ met }) => !met).length <= 1 ? [] : [`${work} was mailed ${senders.length} times`],
  );
  for (const { id, status, steps } of lives) {
    const work = mailWork.filter(({ object_id }) => object_id === id);
    if (work.length !== (steps.includes("confirmed") ? 1 : 0)) wrong.push(`${id} owes ${work.length} mails`);
    const lives = !["rejected", "expired", "cancelled"].includes(status);
    if (lives && !work.some((one) => world.mails.has(one.id))) wrong.push(`${id} has no mail`);
  }
  return wrong;
}
