import { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import { sha256 } from "../ids.ts";
import { each, type Sql, sql } from "../sql.ts";
import type { AppEnv } from "./app-env.ts";
import type { Problem } from "./problem.ts";

/** A version as a strong validator (RFC 9110, 8.8.3). */
export const etagOf = (version: number): string => `"${version}"`;

/**
 * Sets the ETag of a page that shows more than its version tells of: prices and stock beside a cart, payments beside an order,
 * and to staff more than to a buyer. So it is the version and a hash of what is shown: `"3.0f1e2d3c4b5a6978"`. An If-Match
 * compares the version alone, and may give that alone.
 * @returns whether the client has this very page, by its If-None-Match: then the answer is 304
 */
export async function tagPage(c: HonoContext<AppEnv>, page: { version: number }): Promise<boolean> {
  const tag = `"${page.version}.${(await sha256(JSON.stringify(page))).slice(0, 16)}"`;
  c.header("ETag", tag);
  return hasTag(c.req.header("If-None-Match") ?? "", tag);
}

/** For OpenAPI: the header of an edit that must fail if somebody else has edited in between. */
export const ifMatchHeader = z.object({
  "if-match": z.string().optional().openapi({
    description: "The ETag that was read; 412 `stale` when the thing has changed since",
    example: '"1"',
  }),
});

/** For OpenAPI: of a GET whose answer has an ETag. */
export const ifNoneMatchHeader = z.object({
  "if-none-match": z.string().optional().openapi({ description: "304 when the thing is still the same" }),
});

/**
 * The versions that an If-Match allows: null for any version, an empty list when it has no tag of ours. Weak tags are
 * accepted, because proxies that compress (Cloudflare's too) make the tags weak that they pass on. Of a page's tag the version
 * counts.
 */
export function allowedVersions(ifMatch: string | undefined): number[] | null {
  if (ifMatch === undefined || ifMatch.trim() === "*") return null;
  return ifMatch
    .split(",")
    .map((tag) => /^(?:W\/)?"(\d{1,15})(?:\.[0-9a-f]{16})?"$/.exec(tag.trim())?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number);
}

export const allows = (allowed: number[] | null, version: number): boolean =>
  allowed === null || allowed.includes(version);

/** `allows` as a condition in SQL on a row's `version`. */
export const allowsVersion = (allowed: number[] | null): Sql =>
  allowed === null ? sql`true` : sql`version IN (SELECT value FROM ${each(allowed)})`;

/** Whether an If-None-Match has this tag, so that the answer is 304. Weak tags count (RFC 9110, 13.1.2). */
export const hasTag = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch === etag ||
  ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);

export const STALE: Problem = {
  status: 412,
  code: "stale",
  detail: "It has changed since you read it: read it again, and send its ETag as If-Match.",
};
