import type { Result, Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

/** Where a path names something, it differs each time. */
const NAMES_SOMETHING = /[:*{]/;

/**
 * Hono's own router, which finds the handlers of a path without names in it only once: our paths send it to its trie,
 * and searching that costs as much as all else of an answer from memory. As many are kept as there are such routes.
 */
export class MemoRouter<T> implements Router<T> {
  readonly name = "MemoRouter";
  readonly #router = new SmartRouter<T>({ routers: [new RegExpRouter(), new TrieRouter()] });
  readonly #found = new Map<string, Result<T> | null>();

  add(method: string, path: string, handler: T): void {
    this.#router.add(method, path, handler);
    if (!NAMES_SOMETHING.test(path)) this.#found.set(`${method} ${path}`, null);
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
