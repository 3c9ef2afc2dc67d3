import { claimOf } from "../../claims/ids.ts";
import { letGo } from "../../claims/let-go.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { describeError } from "../../platform/log.ts";
import { type Limit, takeFromAll } from "../../platform/rate-limit/limit.ts";
import { withTimeout } from "../../platform/timeout.ts";
import { shortfallsOf } from "../place/begin.ts";
import type { Draft } from "../place/draft.ts";
import type { PlaceOutcome } from "../place/outcome.ts";
import { placeOrders } from "../place/place.ts";
import { abandon } from "../place/record.ts";
import { renderAnswer } from "../place/render-answer.ts";
import { readOrder } from "../read/find.ts";
import type { DeskAnswer, DeskCommands } from "./desk-object.ts";

/** How long a request waits for the desk before it goes on alone: more than the desk needs when it is full. */
export const DESK_PATIENCE_MS = 5_000;

/** There is one desk: the database does one thing at a time, so two desks would only make smaller groups. */
const DESK = "desk";

/**
 * Has a draft placed at the desk, with those of other requests. If the desk dies, hangs, cannot be reached or does not know
 * what became of it, the request goes on alone: at worst at the same time as the desk, which is as with twins of one key.
 */
export async function placeAtDesk(
  context: Context,
  draft: Draft,
  limits: Limit[],
  patienceMs = DESK_PATIENCE_MS,
): Promise<DeskAnswer> {
  try {
    const answer = await withTimeout(deskOf(context).place(draft, limits), patienceMs);
    if (answer.outcome.kind !== "unknown") return answer;
    context.log.warn("the order desk does not know the outcome");
  } catch (error) {
    context.log.warn("the order desk did not answer", { error: describeError(error) });
  }
  return placeAlone(context, draft, limits);
}

const deskOf = ({ env, settings: { DATABASE_LOCATION: locationHint } }: Context): DeskCommands =>
  env.ORDER_DESK.get(
    env.ORDER_DESK.idFromName(DESK),
    locationHint ? { locationHint } : {},
  ) as unknown as DeskCommands;

async function placeAlone(context: Context, draft: Draft, limits: Limit[]): Promise<DeskAnswer> {
  const asked = takeFromAll(context, limits);
  const admits = async () => (await asked).kind === "allowed";
  const given = draft.key === null && !isSpent(draft) ? await giveUp(context, draft) : null;
  const [outcome = { kind: "unavailable" as const }] =
    given?.kind === "stands"
      ? [given.outcome]
      : await placeOrders(context, [given?.draft ?? draft], { admits, together: false });
  return { outcome, limited: await asked };
}

/** An order had its cart before: no desk places it, so there is no claim to give up. */
const isSpent = ({ cart }: Draft): boolean => cart?.spentBy != null;

/**
 * The claim of a draft without a key is this request's alone. It is given up, unless it has a fate already, which then
 * counts. Where it was given up nothing was ordered, and the draft can be placed anew under another claim.
 */
async function giveUp(
  context: Context,
  draft: Draft,
): Promise<{ kind: "stands"; outcome: PlaceOutcome } | { kind: "given_up"; draft: Draft }> {
  const claim = claimOf(draft.operation);
  try {
    const fateRows = await abandon(context, [{ claim, key: null, cart: draft.cart }]);
    if (fateRows.get(claim)?.fate !== "abandoned") {
      const order = await readOrder(context, prefixed("ord", draft.operation));
      if (!order) return { kind: "stands", outcome: { kind: "unknown" } };
      const answer = renderAnswer(draft, order, shortfallsOf(order));
      return { kind: "stands", outcome: { kind: "decided", answer } };
    }
  } catch (error) {
    context.log.error("the outcome of a placing is not known", { error: describeError(error) });
    return { kind: "stands", outcome: { kind: "unknown" } };
  }
  await letGo(context, [{ claim, productIds: draft.lines.map(({ productId }) => productId) }]);
  return { kind: "given_up", draft: { ...draft, operation: context.ids.next() } };
}
