import { newTask } from "../events/append.ts";
import { Commit } from "../events/commit.ts";
import type { Context } from "../platform/context.ts";
import { sha256 } from "../platform/ids.ts";
import { failOpen, LIMITER_TIMEOUT_MS, limiterAt, takeFrom } from "../platform/rate-limit/limit.ts";
import type { TryAnswer } from "../platform/rate-limit/tries.ts";
import { IS_RESTORING } from "../platform/restoring.ts";
import { sql } from "../platform/sql.ts";
import { withTimeout } from "../platform/timeout.ts";
import { taskIdOf } from "./mail-once.ts";

/** Wrong passwords for one account from one address before the next waits. */
const FREE_OF_PAIR = 5;
/** Wrong ones for one account from all addresses that never signed in to it. */
const FREE_OF_ACCOUNT = 20;
/** Wrong ones from one address for whichever accounts. */
const FREE_OF_ADDRESS = 20;

export type TryOutcome =
  | { kind: "go_on"; tried: SignInTry }
  | { kind: "limited"; retryAfter: number; headers: Record<string, string> };

/** A sign-in that may be tried; what became of it must be told. */
export interface SignInTry {
  /** The address proved that it is the owner's. */
  right(): Promise<void>;
  wrong(): Promise<void>;
  /** Nothing was computed: it does not count. */
  unknown(): Promise<void>;
}

const nothing = async () => {};
const UNCOUNTED: SignInTry = { right: nothing, wrong: nothing, unknown: nothing };

/**
 * Asks whether a password may be tried now, before anything is computed. It is counted by the account's address, whether or
 * not there is such an account, so that nothing tells. If the limiters are down, it passes, as with every limit.
 * @param email in small letters
 */
export async function trySignIn(context: Context, email: string): Promise<TryOutcome> {
  const { settings, address } = context;
  if (settings.SIGN_INS_PER_MINUTE === 0) return { kind: "go_on", tried: UNCOUNTED };
  const allowed = settings.SIGN_INS_PER_MINUTE;
  const limit = await takeFrom(context, { name: "sign_ins", party: `address:${address}`, allowed, cost: 1 });
  if (limit.kind === "limited") return limit;
  try {
    return await withTimeout(askTries(context, email), LIMITER_TIMEOUT_MS);
  } catch (error) {
    failOpen(context, "sign_ins", error);
    return { kind: "go_on", tried: UNCOUNTED };
  }
}

async function askTries(context: Context, email: string): Promise<TryOutcome> {
  const now = context.clock.now();
  const [accountName, elsewhereName, from] = await Promise.all([
    nameOf(`account:${email}`),
    nameOf(`address:${context.address}`),
    addressKey(context.address),
  ]);
  const account = limiterAt(context.env, accountName);
  const elsewhere = limiterAt(context.env, elsewhereName);
  const answer = checked(
    await account.tryOnce({ now, from, freeOwn: FREE_OF_PAIR, freeTogether: FREE_OF_ACCOUNT }),
  );
  if (answer.kind === "wait") return mustWait(answer.seconds);
  const { known, tellOf } = answer;
  if (!known) {
    const atAll = checked(
      await elsewhere.tryOnce({ now, from: ANY, freeOwn: FREE_OF_ADDRESS, freeTogether: 0 }),
    );
    if (atAll.kind === "wait") {
      await account.takeBack({ now, from });
      return mustWait(atAll.seconds);
    }
  }
  const elsewhereBack = async () => {
    if (!known) await elsewhere.takeBack({ now, from: ANY });
  };
  const right = async () => {
    await Promise.all([account.wasRight({ now, from }), elsewhereBack()]);
  };
  const unknown = async () => {
    await Promise.all([account.takeBack({ now, from }), elsewhereBack()]);
  };
  const wrong = async () => {
    if (tellOf === null) return;
    if (await oweWarning(context, email, tellOf)) await account.told(tellOf);
  };
  return {
    kind: "go_on",
    tried: { right: orLeft(context, right), wrong, unknown: orLeft(context, unknown) },
  };
}

/** Makes an address known to an account without a sign-in: by the link of a mail, which only its owner has. */
export async function becomeKnown(context: Context, email: string): Promise<void> {
  if (context.settings.SIGN_INS_PER_MINUTE === 0) return;
  await orLeft(context, async () => {
    const name = await nameOf(`account:${email}`);
    await limiterAt(context.env, name).know({
      now: context.clock.now(),
      from: await addressKey(context.address),
    });
  })();
}

/** What an address's tries for all accounts are kept under. */
const ANY = "any";

const addressKey = async (address: string): Promise<string> => (await sha256(address)).slice(0, 16);

const nameOf = async (party: string): Promise<string> => `tries:${await sha256(party)}`;

function checked(answer: TryAnswer): TryAnswer {
  if (answer?.kind === "wait" || answer?.kind === "go_on") return answer;
  throw new Error(`the limiter answered ${JSON.stringify(answer)}`);
}

const mustWait = (seconds: number): TryOutcome => ({
  kind: "limited",
  retryAfter: seconds,
  headers: { "Retry-After": String(seconds) },
});

/** That a limiter is down does not fail what was done: its try stays counted. */
const orLeft = (context: Context, tell: () => Promise<void>) => async () => {
  try {
    await withTimeout(tell(), LIMITER_TIMEOUT_MS);
  } catch (error) {
    failOpen(context, "sign_ins", error);
  }
};

/**
 * Owes the mail by which the owner learns that somebody tries. It is owed whether or not there is an account, which only the
 * mail's handler looks at; its id is that of these tries, so that there is one however often it is owed.
 * @returns whether it is owed: during a restore it cannot be
 */
async function oweWarning(context: Context, email: string, began: number): Promise<boolean> {
  const id = await taskIdOf("sign_in_tries", email, began);
  const commit = new Commit(context, "none");
  commit.owe(
    [newTask(context, "email", "account", { template: "sign_in_tries", email }, { id })],
    sql`NOT ${IS_RESTORING} AND NOT EXISTS (SELECT 1 FROM work WHERE id = ${id})`,
  );
  const owed = commit.read(sql<{ id: string }>`SELECT id FROM work WHERE id = ${id}`);
  const isOwed = (await commit.send()).first(owed) !== null;
  if (isOwed) commit.wakeUp(() => true);
  return isOwed;
}
