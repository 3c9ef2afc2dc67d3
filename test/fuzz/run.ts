import { z } from "zod";
import { createApi } from "../../src/cli/api.ts";
import { chance as chanceOf } from "../support/chance.ts";
import { type ApiDocument, contractOf, operationsOf } from "../support/contract.ts";
import { hostileText, spoilt } from "./hostile.ts";

/** How long an answer may take, milliseconds: what takes longer hangs. */
const HANG_MS = 20_000;
/** An id as the examples have them: another of its kind takes its place. */
const ID = /\b([a-z]{3})_[0-9a-z]{26}\b/g;
/** What would end the run: the shop closes, its data is replaced, or whoever asks is signed out. */
const ENDS_THE_RUN =
  /^(?:post \/api\/v1\/ops\/(?:selling|backup\/.*)|delete \/api\/v1\/me(?:\/sessions(?:\/\{id\})?)?|post \/api\/v1\/me\/password)$/;
const MOST_IDS = 200;

export interface Found {
  fault: string;
  request: string;
}

export interface FuzzReport {
  requests: number;
  /** How many there are to be called. */
  operations: number;
  /** By operation, how many of its requests were answered 2xx. */
  successes: Map<string, number>;
  found: Found[];
  /** Each answer: milliseconds, with its operation and request. */
  answers: { took: number; name: string; request: string }[];
}

export interface FuzzOptions {
  url: string;
  adminToken: string;
  requests: number;
  seed: number;
}

type Operation = ReturnType<typeof operationsOf>[number];

/** Sends requests that are made of the API's own document, good and bad ones, and holds each answer to it. */
export async function fuzz({ url, adminToken, requests, seed }: FuzzOptions): Promise<FuzzReport> {
  const chance = chanceOf(seed);
  const { pick } = chance;
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as ApiDocument;
  const contract = contractOf(document);
  const operations = operationsOf(document).filter(({ name }) => !ENDS_THE_RUN.test(name));
  const ids = new Map<string, string[]>();
  const callers = await makeCallers(url, adminToken);
  const report: FuzzReport = {
    requests: 0,
    operations: operations.length,
    successes: new Map(),
    found: [],
    answers: [],
  };

  const known = (text: string): string =>
    text.replaceAll(ID, (example, kind: string) => {
      const all = ids.get(kind);
      return all && all.length > 0 ? pick(all) : example;
    });

  const learn = (text: string) => {
    for (const [id, kind = ""] of text.matchAll(ID)) {
      const all = ids.get(kind) ?? [];
      if (!all.includes(id)) all.push(id);
      if (all.length > MOST_IDS) all.shift();
      ids.set(kind, all);
    }
  };

  const requestOf = ({ method, path, operation }: Operation, isBad: boolean) => {
    const parameters = operation.parameters ?? [];
    const example = (name: string) => known(`${parameters.find((one) => one.name === name)?.example}`);
    const badPlace = isBad ? pick(["body", "body", "path", "query", "header", "type"]) : "none";
    const target = new URL(
      path.replaceAll(/\{(\w+)\}/g, (_, name) =>
        badPlace === "path"
          ? encodeURIComponent(hostileText(chance).toWellFormed().slice(0, 1_000))
          : example(name),
      ),
      url,
    );
    for (const one of parameters.filter((each) => each.in === "query")) {
      if (badPlace === "query" && chance.below(2) === 0)
        target.searchParams.append(one.name, hostileText(chance).toWellFormed().slice(0, 1_000));
      else if (one.required) target.searchParams.set(one.name, example(one.name));
    }
    const given = operation.requestBody?.content["application/json"]?.example;
    const made =
      given === undefined ? undefined : (JSON.parse(fresh(known(JSON.stringify(given)))) as unknown);
    const body = /\/(?:orders|orders\/bulk|checkout)$/.test(path) ? ofAnyProduct(made) : made;
    const sent = badPlace === "body" && body !== undefined ? spoilt(chance, body) : body;
    const headers: Record<string, string> = { ...pick(isBad ? callers : callers.slice(0, 1)) };
    if (sent !== undefined) headers["content-type"] = badPlace === "type" ? "text/plain" : "application/json";
    if (badPlace === "header")
      headers[pick(["idempotency-key", "if-match", "x-order-token", "x-request-id", "authorization"])] = pick(
        ["x", '"1"', "W/*", "é", "a".repeat(300), "Bearer x.y.z"],
      );
    const text = sent === undefined ? undefined : JSON.stringify(sent);
    return { method: method.toUpperCase(), target, headers, text };
  };

  /** Names that must be new each time. */
  let serial = 0;
  const fresh = (text: string): string =>
    text.replaceAll(/("(?:name|sku|email)":")([^"@]*)/g, (_, field, value) => `${field}${value}-${++serial}`);

  for (let n = 0; n < requests; n++) {
    const operation = operations[n % operations.length] as Operation;
    const isBad = chance.below(2) === 0;
    const { method, target, headers, text } = requestOf(operation, isBad);
    const request = `${method} ${target.pathname}${target.search} ${(text ?? "").slice(0, 300)}`;
    const began = performance.now();
    let answer: Response;
    let body: string;
    try {
      answer = await fetch(target, {
        ...{ method, headers, redirect: "manual", signal: AbortSignal.timeout(HANG_MS) },
        ...(text === undefined ? {} : { body: text }),
      });
      body = await answer.text();
    } catch (error) {
      // What Node itself refuses to send was not sent.
      if (error instanceof TypeError && /invalid|header/i.test(error.message)) continue;
      report.found.push({ fault: `no answer: ${error}`, request });
      continue;
    }
    report.requests += 1;
    const took = performance.now() - began;
    report.answers.push({ took, name: operation.name, request });
    const { status, headers: told } = answer;
    if (status < 300) {
      report.successes.set(operation.name, (report.successes.get(operation.name) ?? 0) + 1);
      if (body.length < 100_000) learn(body);
    }
    if (status >= 500 && status !== 503) report.found.push({ fault: `${status} ${body}`, request });
    const faults = contract.faults({ method, path: target.pathname, status, headers: told, text: body });
    for (const fault of faults) report.found.push({ fault, request });
  }
  return report;
}

/** An order of whichever product it came to name: the total and the store of the example are another's. */
const ofAnyProduct = (value: unknown): unknown =>
  value === undefined
    ? value
    : JSON.parse(JSON.stringify(value), (name, part) =>
        name === "expected_total" || name === "store_id" ? undefined : part,
      );

type Headers = Record<string, string>;

/** An admin first, then who may less: staff, a customer, a narrow API key, nobody. */
async function makeCallers(url: string, adminToken: string): Promise<Headers[]> {
  const api = createApi(url, adminToken);
  const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
  const account = async (email: string) => {
    const given = { email, password: "long enough to be good", name: "Fuzz" };
    const answer = await fetch(`${url}/api/v1/auth/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(given),
    });
    return z.object({ access_token: z.string() }).parse(await answer.json()).access_token;
  };
  const key = z.object({ secret: z.string() });
  const scopes = ["catalog:read"];
  return [
    bearer(adminToken),
    bearer(await account("fuzz-1@shop.example")),
    bearer((await api.post("/api-keys", { name: "Fuzz", scopes }, key)).secret),
    {},
  ];
}

/** What reconciliation finds where stock and orders do not agree, by kind; nothing where they do. */
export async function driftOf(url: string, adminToken: string): Promise<Record<string, number>> {
  const answer = await fetch(`${url}/api/v1/inventory/reconcile`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
    body: "{}",
  });
  return z.object({ open: z.record(z.string(), z.number()) }).parse(await answer.json()).open;
}
