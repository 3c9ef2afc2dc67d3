import type { Result, Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

/** Paths with a parameter are not kept: they differ from request to request. */
const HAS_PARAMETER = /[:*{]/;

/**
 * Hono's own router, with the handlers of each path without parameters kept once they were found. Our paths make Hono use
 * its trie, and searching that costs as much as all the rest of an answer from memory. There is one entry for each route.
 */
export class MemoRouter<T> implements Router<T> {
  readonly name = "MemoRouter";
  readonly #router = new SmartRouter<T>({ routers: [new RegExpRouter(), new TrieRouter()] });
  readonly #found = new Map<string, Result<T> | null>();

  add(method: string, path: string, handler: T): void {
    this.#router.add(method, path, handler);
    if (!HAS_PARAMETER.test(path)) this.#found.set(`${method} ${path}`, null);
  }

  match(method: string, path: string): Result<T> {
    const name = `${method} ${path}`;
    const found = this.#found.get(name);
    if (found) return found;
    const result = this.#router.match(method, path);
    if (found === null) this.#found.set(name, result);
    return result;
  }
}
