import { stockOf } from "../inventory/client.ts";
import type { FollowCommand, StockReport } from "../inventory/stock-types.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";

/** What D1 says about one product of an order, for the product's Stock object. */
export interface Follow {
  productId: string;
  command: FollowCommand;
}

/** What came of telling an order's Stock objects. */
export interface Told {
  /** Whether each of them has answered. One that has not learns it by the task `follow`, or when its hold asks. */
  all: boolean;
  /** What their answers carry for the projection. Who asked for it must write it before that task is done. */
  carried: StockReport[];
}

/**
 * Sends the state of an order's claim to its Stock objects, one RPC for each product, all in parallel.
 * @param carries whether the caller writes the levels that this leaves into the projection; otherwise the objects report them
 */
export async function follow(
  context: Context,
  orderId: string,
  follows: Follow[],
  carries: boolean,
): Promise<Told> {
  const sent = await Promise.all(
    follows.map(async ({ productId, command }) => {
      const about = { order_id: orderId, product_id: productId };
      try {
        const { outcome, carried } = await call(context, productId, command, carries);
        if (outcome?.kind === "drift") {
          const { claim } = command;
          context.log.error("stock and order disagree", { ...about, claim, detail: outcome.detail });
        }
        return { answered: true, carried };
      } catch (error) {
        context.log.warn("a follow call failed", { ...about, error: describeError(error) });
        return { answered: false, carried: null };
      }
    }),
  );
  return {
    all: sent.every(({ answered }) => answered),
    carried: sent.flatMap(({ carried }) => carried ?? []),
  };
}

async function call(
  { env, generation }: Context,
  productId: string,
  command: FollowCommand,
  carries: boolean,
) {
  const stock = stockOf(env, productId);
  const { outcomes, carried } = carries
    ? await stock.followAndCarry(productId, [command], generation)
    : { outcomes: await stock.follow(productId, [command], generation), carried: null };
  return { outcome: outcomes[0], carried };
}
