import { existsSync, readFileSync } from "node:fs";
import type { Api } from "../../../src/cli/api.ts";

interface NamedCall {
  step: string;
  method: "GET" | "POST";
  path: RegExp;
}

/** The steps of a command, by the calls that they make. */
export const RESTORE_STEPS: NamedCall[] = [
  { step: "report what is lost", method: "GET", path: /^\/ops\/backup\/(tables\/\w+|movements)\?since=/ },
  { step: "name the objects", method: "GET", path: /^\/ops\/backup\/tables\/products/ },
  { step: "empty the objects", method: "POST", path: /^\/ops\/backup\/empty-stock/ },
  { step: "load the tables", method: "POST", path: /^\/ops\/backup\/tables\// },
  { step: "count what is owed", method: "POST", path: /^\/ops\/backup\/finish/ },
  { step: "rebuild the figures", method: "POST", path: /^\/orders\/statistics\/rebuild/ },
  { step: "load the objects", method: "POST", path: /^\/ops\/backup\/stock\// },
  { step: "reconcile", method: "POST", path: /^\/inventory\/reconcile/ },
];
export const BACKUP_STEPS: NamedCall[] = [
  { step: "read the tables", method: "GET", path: /^\/ops\/backup\/tables\// },
  { step: "read the changes", method: "GET", path: /^\/ops\/backup\/changes/ },
  { step: "read the objects", method: "GET", path: /^\/ops\/backup\/stock\// },
];

/** What a step took: by the clock, and of the processors, which other work on this machine changes less. */
export interface Taken {
  seconds: number;
  cpu: number;
}

/** The time that has passed, and what this process and those that it started, the server's, have computed in it. */
export function takenSoFar(): Taken {
  const { user, system } = process.cpuUsage();
  const children = `/proc/self/task/${process.pid}/children`;
  const pids = existsSync(children) ? readFileSync(children, "utf8").split(" ").filter(Boolean) : [];
  const ticks = pids.map((pid) => {
    // Its name, which comes second, may have spaces.
    const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
    return fields
      .split(" ")
      .slice(11, 13)
      .reduce((sum, field) => sum + Number(field), 0);
  });
  const cpu = (user + system) / 1_000_000 + ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
  return { seconds: performance.now() / 1_000, cpu };
}

/** Of Linux, in /proc. */
const TICKS_PER_SECOND = 100;

export const takenBetween = (from: Taken, to: Taken): Taken => ({
  seconds: to.seconds - from.seconds,
  cpu: to.cpu - from.cpu,
});

/** What each step took: from the beginning of its first call to the end of its last. */
export class StepTimes {
  readonly #steps: NamedCall[];
  readonly #spans = new Map<string, { from: Taken; to: Taken }>();

  constructor(steps: NamedCall[]) {
    this.#steps = steps;
  }

  /** Of each step, in the order in which they began. */
  get taken(): Map<string, Taken> {
    return new Map([...this.#spans].map(([step, { from, to }]) => [step, takenBetween(from, to)]));
  }

  /** The same API, whose calls are timed. */
  watch(api: Api): Api {
    return {
      ...api,
      get: (path, schema) => this.#timed("GET", path, () => api.get(path, schema)),
      post: (path, body, schema) => this.#timed("POST", path, () => api.post(path, body, schema)),
    };
  }

  async #timed<T>(method: string, path: string, call: () => Promise<T>): Promise<T> {
    const step = this.#steps.find((one) => one.method === method && one.path.test(path))?.step;
    if (step === undefined) return call();
    const from = this.#spans.get(step)?.from ?? takenSoFar();
    this.#spans.set(step, { from, to: from });
    const answer = await call();
    this.#spans.set(step, { from, to: takenSoFar() });
    return answer;
  }
}
