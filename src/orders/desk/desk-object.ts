import { DurableObject } from "cloudflare:workers";
import { News } from "../../claims/news.ts";
import type { Context } from "../../platform/context.ts";
import { createLog } from "../../platform/log.ts";
import { type Limit, type LimitOutcome, takeFromAll } from "../../platform/rate-limit/limit.ts";
import type { Draft } from "../place/draft.ts";
import type { PlaceOutcome } from "../place/outcome.ts";
import { placeOrders } from "../place/place.ts";
import { Desk } from "./desk.ts";

/** What the desk says of a draft, with what its rate limit said. */
export interface DeskAnswer {
  outcome: PlaceOutcome | { kind: "crowded" };
  limited: LimitOutcome;
}

/** What a Worker asks of the desk. */
export interface DeskCommands {
  /** Places a draft, together with those of other requests. Rejects when nothing is known of it. */
  place(draft: Draft, limits: Limit[]): Promise<DeskAnswer>;
}

/** The Durable Object that gathers the orders of the moment: the calls around the logic of desk.ts. */
export abstract class OrderDeskObject extends DurableObject<Cloudflare.Env> implements DeskCommands {
  /** A fresh one for each group; worker.ts provides it. */
  protected abstract context(): Context;

  readonly #news = new News();
  readonly #desk = new Desk(
    async (group, outcomes, onFirstSettled) => {
      const admitted = new Map(group.map((handed) => [handed.draft, handed.admitted]));
      const admits = async (draft: Draft) => admitted.get(draft) === true;
      const drafts = group.map(({ draft }) => draft);
      const options = { admits, together: false, onFirstSettled, news: this.#news };
      return placeOrders(this.context(), drafts, options, outcomes);
    },
    createLog({ part: "order-desk" }),
  );

  /** Asks the limits first, so that a slow one keeps nobody else waiting. */
  async place(draft: Draft, limits: Limit[]): Promise<DeskAnswer> {
    const limited = await takeFromAll(this.context(), limits);
    const handed = { draft, bytes: JSON.stringify(draft).length, admitted: limited.kind === "allowed" };
    return { outcome: await this.#desk.hand(handed), limited };
  }
}
