import { exports } from "cloudflare:workers";
import { expect } from "vitest";

export interface Asked {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: BodyInit;
}

/** What zod says where nobody gave it words: of its types, and not of the field. */
const ZODS_WORDS =
  /Invalid (?:input|option|string|key|value)|Too (?:big|small)|Unrecognized|received |\bundefined\b|\bNaN\b/;

/** An outcome as it is told: status, code, fields. A refusal must be a whole problem that tells nothing of the inside. */
export async function outcomeOf({ method, path, headers = {}, body }: Asked): Promise<string> {
  const response = await exports.default.fetch(`http://shop.test/api/v1${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  if (response.status < 400) return String(response.status);
  const problem = JSON.parse(text);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(problem).toMatchObject({ type: `/docs/errors#${problem.code}`, status: response.status });
  expect(problem.request_id).toBe(response.headers.get("x-request-id"));
  expect(text).not.toMatch(ZODS_WORDS);
  expect(text).not.toMatch(/\bat \w+ \(|\.ts:\d|D1_ERROR|SQLITE/);
  const fields = (problem.errors ?? []).flatMap(({ field }: { field?: string }) => field ?? []);
  return [response.status, problem.code, ...new Set(fields)].join(" ");
}

export const JSON_TYPE = { "content-type": "application/json" };

/** Runs each line of a table and compares them all at once, so that a failure shows every line that differs. */
export async function expectOutcomes(lines: [what: string, outcome: Promise<string>, expected: string][]) {
  const seen: string[] = [];
  for (const [what, outcome] of lines) seen.push(`${what}: ${await outcome}`);
  expect(seen).toEqual(lines.map(([what, , expected]) => `${what}: ${expected}`));
}
