import type { Api } from "../../../src/cli/api.ts";

interface NamedCall {
  step: string;
  method: "GET" | "POST";
  path: RegExp;
}

/** The steps of a command, by the calls that they make. */
export const RESTORE_STEPS: NamedCall[] = [
  { step: "report what is lost", method: "GET", path: /^\/ops\/backup\/tables\/\w+\?since=/ },
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

/** How long each step took: from the beginning of its first call to the end of its last. */
export class StepTimes {
  readonly #steps: NamedCall[];
  readonly #spans = new Map<string, { from: number; to: number }>();

  constructor(steps: NamedCall[]) {
    this.#steps = steps;
  }

  /** The seconds of each step, in the order in which they began. */
  get seconds(): Map<string, number> {
    return new Map([...this.#spans].map(([step, { from, to }]) => [step, (to - from) / 1_000]));
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
    const from = performance.now();
    const answer = await call();
    if (step !== undefined) {
      const began = this.#spans.get(step)?.from ?? from;
      this.#spans.set(step, { from: began, to: performance.now() });
    }
    return answer;
  }
}
