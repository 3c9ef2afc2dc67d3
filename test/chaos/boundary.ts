/**
 * Watches every call that a worker makes to another part (D1, a Stock object, the limiter, a queue, the mail binding),
 * numbers them in order, and can end the worker at any of them. A dead worker's promises never settle and whatever it
 * would have called later never happens: that is what a crash looks like from outside.
 */
export type Ending =
  /** Dies before the call has any effect. */
  | "dies before"
  /** The call has its effect, and the worker is gone before the answer. */
  | "dies after"
  /** The call fails without effect; the worker lives to see it. */
  | "call fails"
  /** The call has its effect, but its answer is lost; the worker lives to see a failure. */
  | "answer lost"
  /** The call fails at once, and has its effect only at `deliver()`: a message that was taken for lost. */
  | "comes late"
  /** The call waits until `wake()`: a worker that stalls, and goes on when the world has moved. */
  | "stalls";

export const ENDINGS: Ending[] = ["dies before", "dies after", "call fails", "answer lost", "comes late"];

/** A desk that cannot be reached. */
const AWAY = {
  idFromName: () => null,
  get: () => ({
    place: async () => {
      throw new Error("planted: there is no desk");
    },
  }),
} as never;

/** For as long as this nothing is begun by a worker that stalls, milliseconds: what runs beside the stalled call is over. */
const STALLED_MS = 20;

export class Boundary {
  /** Labels of the calls so far, in order: `D1.batch`, `Stock.reserve`, … */
  readonly calls: string[] = [];
  readonly #plan: { at: number; ending: Ending } | null;
  #dead = false;
  #stalls = false;
  #woken = false;
  /** Calls that have begun and not ended. One that stalls has not begun. */
  #inFlight = 0;
  #bury: (reason: Error) => void = () => {};
  /** What a dead worker waits for: it never comes while the scenario runs. */
  readonly #grave = new Promise<never>((_resolve, reject) => {
    this.#bury = reject;
  });
  #reached: () => void = () => {};
  #wake: () => void = () => {};
  readonly #awake = new Promise<void>((resolve) => {
    this.#wake = resolve;
  });
  /** Resolves when the planned call was met, and its effect (if any) has happened. */
  readonly reached = new Promise<void>((resolve) => {
    this.#reached = resolve;
  });

  #waiting: (() => void)[] = [];

  readonly #inObject: boolean;
  readonly #withDesk: boolean;

  /**
   * @param withDesk whether the worker can reach the order desk; where it cannot, it places orders alone
   * @param inObject for what runs inside a Durable Object: workerd does not outlive an alarm that never ends, so there
   * death is a failure of this and of every later call; nothing reaches another part any more, which is what counts
   */
  constructor(
    plan: { at: number; ending: Ending } | null = null,
    { inObject = false, withDesk = false } = {},
  ) {
    this.#plan = plan;
    this.#inObject = inObject;
    this.#withDesk = withDesk;
    this.#grave.catch(() => {});
  }

  #rest(): Promise<never> {
    if (this.#inObject) throw new Error("planted: this object is dead");
    return this.#grave;
  }

  /** Ends the dead worker's promises when its scenario is over: the runtime does not like what never settles. */
  bury(): void {
    this.#dead = true;
    this.#bury(new Error("planted: this worker is dead"));
  }

  #late: (() => Promise<unknown>) | null = null;

  /** Lets the call that came late have its effect now, whatever its worker did meanwhile. */
  async deliver(): Promise<void> {
    // What it says is nobody's any more, not even a refusal.
    await this.#late?.().catch(() => {});
    this.#late = null;
  }

  /** Lets a stalled worker go on. */
  wake(): void {
    this.#woken = true;
    this.#stalls = false;
    this.#wake();
  }

  /**
   * Resolves when nothing comes from the worker any more, or not before `wake()`: it is dead, and the calls that it had begun
   * beside the planned one have ended; or it stalls, and what it does beside that call is over. Who gives up on a worker
   * waits for this. For one that lives on, it never resolves.
   */
  still(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#tellIfStill();
    });
  }

  #tellIfStill(): void {
    if (this.#inFlight > 0) return;
    const tell = () => {
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
    if (this.#dead) tell();
    if (this.#dead || !this.#stalls) return;
    // Only one of its calls waits: what runs beside it may be about to begin the next one.
    const begun = this.calls.length;
    setTimeout(() => {
      if (this.#stalls && this.#inFlight === 0 && this.calls.length === begun) tell();
    }, STALLED_MS);
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    this.#inFlight++;
    try {
      return await call();
    } finally {
      this.#inFlight--;
      this.#tellIfStill();
    }
  }

  async cross<T>(label: string, call: () => Promise<T>): Promise<T> {
    if (this.#dead) return this.#rest();
    const index = this.calls.push(label) - 1;
    if (this.#plan?.at !== index) {
      const result = await this.#run(call);
      return this.#dead ? this.#rest() : result;
    }
    switch (this.#plan.ending) {
      case "dies before":
        this.#dead = true;
        this.#reached();
        this.#tellIfStill();
        return this.#rest();
      case "dies after":
        this.#dead = true;
        // A refusal reaches nobody either.
        await this.#run(call).catch(() => {});
        this.#reached();
        return this.#rest();
      case "call fails":
        this.#reached();
        throw new Error(`planted: ${label} failed`);
      case "answer lost":
        await this.#run(call).catch(() => {});
        this.#reached();
        throw new Error(`planted: the answer of ${label} was lost`);
      case "comes late":
        this.#late = call;
        this.#reached();
        throw new Error(`planted: ${label}: network connection lost`);
      case "stalls":
        this.#stalls = !this.#woken;
        this.#reached();
        this.#tellIfStill();
        await this.#awake;
        return this.#run(call);
    }
  }

  /** The same bindings, watched. */
  watch(env: Cloudflare.Env): Cloudflare.Env {
    return {
      ...env,
      DB: this.#watchDatabase(env.DB),
      STOCK: this.#watchObjects("Stock", env.STOCK),
      ORDER_DESK: this.#withDesk ? this.#watchObjects("OrderDesk", env.ORDER_DESK) : AWAY,
      RATE_LIMITER: this.#watchObjects("RateLimiter", env.RATE_LIMITER),
      ORDERS_QUEUE: this.#watchMethods("orders", env.ORDERS_QUEUE, ["send", "sendBatch"]),
      PAYMENTS_QUEUE: this.#watchMethods("payments", env.PAYMENTS_QUEUE, ["send", "sendBatch"]),
      NOTIFICATIONS_QUEUE: this.#watchMethods("notifications", env.NOTIFICATIONS_QUEUE, [
        "send",
        "sendBatch",
      ]),
      INVENTORY_QUEUE: this.#watchMethods("inventory", env.INVENTORY_QUEUE, ["send", "sendBatch"]),
      EMAIL: this.#watchMethods("mail", env.EMAIL, ["send"]),
    };
  }

  #watchMethods<T extends object>(name: string, target: T, methods: string[]): T {
    return new Proxy(target, {
      get: (object, property) => {
        const value = Reflect.get(object, property);
        if (typeof value !== "function") return value;
        const call = value as (...parameters: unknown[]) => Promise<unknown>;
        if (!methods.includes(String(property))) return call.bind(object);
        return (...parameters: unknown[]) =>
          this.cross(`${name}.${String(property)}`, async () => call.apply(object, parameters));
      },
    });
  }

  #watchDatabase(database: D1Database): D1Database {
    const originals = new WeakMap<object, D1PreparedStatement>();
    const watchStatement = (statement: D1PreparedStatement): D1PreparedStatement => {
      const watched = new Proxy(statement, {
        get: (object, property) => {
          if (property === "bind") {
            return (...values: unknown[]) => watchStatement(object.bind(...values));
          }
          const value = Reflect.get(object, property);
          if (typeof value !== "function") return value;
          return (...parameters: unknown[]) =>
            this.cross(`D1.${String(property)}`, async () => value.apply(object, parameters));
        },
      });
      originals.set(watched, statement);
      return watched;
    };
    return new Proxy(database, {
      get: (object, property) => {
        if (property === "prepare") return (query: string) => watchStatement(object.prepare(query));
        if (property === "batch") {
          return (statements: D1PreparedStatement[]) =>
            this.cross("D1.batch", () => object.batch(statements.map((one) => originals.get(one) ?? one)));
        }
        const value = Reflect.get(object, property);
        return typeof value === "function" ? value.bind(object) : value;
      },
    });
  }

  #watchObjects<N extends DurableObjectNamespace<never> | DurableObjectNamespace>(
    name: string,
    namespace: N,
  ): N {
    return new Proxy(namespace, {
      get: (object, property) => {
        const value = Reflect.get(object, property) as unknown;
        if (typeof value !== "function") return value;
        if (property !== "get") return value.bind(object);
        return (...parameters: unknown[]) => this.#watchStub(name, value.apply(object, parameters) as object);
      },
    });
  }

  #watchStub(name: string, stub: object): object {
    return new Proxy(stub, {
      get: (object, property) => {
        const value = Reflect.get(object, property) as unknown;
        if (typeof value !== "function") return value;
        // An RPC method is called on its stub: `apply` would be taken for a method of the other side.
        const method = String(property) as keyof typeof object;
        return (...parameters: unknown[]) =>
          this.cross(`${name}.${String(property)}`, async () =>
            (object[method] as (...all: unknown[]) => Promise<unknown>)(...parameters),
          );
      },
    });
  }
}
