import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCommand } from "../support/command.ts";
import { freshState, removeState } from "../support/server.ts";

let directory: string;
beforeEach(() => {
  directory = freshState();
});
afterEach(() => removeState(directory));

const run = (command: string, args: string[], input = "") =>
  runCommand(command, args, { STATE_DIR: directory, DEV_VARS: join(directory, "dev.vars") }, input);

describe("npm run reset", { timeout: 20_000 }, () => {
  beforeEach(() => {
    mkdirSync(join(directory, "v3/d1"), { recursive: true });
    writeFileSync(join(directory, "v3/d1/data.sqlite"), "data");
    writeFileSync(join(directory, "notes.txt"), "mine");
  });

  test.each([
    ["no", "no\n"],
    ["the end of input", ""],
  ])("%s deletes nothing", async (_name, input) => {
    const { code, output } = await run("reset", [], input);
    expect(code).toBe(1);
    expect(output).toContain("Nothing was deleted.");
    expect(existsSync(join(directory, "v3/d1/data.sqlite"))).toBe(true);
  });

  test("yes deletes Holdfast's own data, and nothing else that stands there", async () => {
    expect((await run("reset", [], "yes\n")).code).toBe(0);
    expect(readdirSync(directory)).toEqual(["notes.txt"]);
    expect((await run("reset", [])).output).toBe(`There is no local data in ${directory}.\n`);
  });

  test("--yes does not ask, but never while a server runs on it", async () => {
    const holding = `require("node:fs").openSync(process.argv[1], "r"); console.log("open"); setInterval(() => {}, 1e9)`;
    const server = spawn(process.execPath, ["-e", holding, join(directory, "v3/d1/data.sqlite")]);
    await new Promise((resolve) => server.stdout.once("data", resolve));
    const refused = await run("reset", ["--yes"]);
    expect(refused).toEqual({
      code: 1,
      output: `A server runs on ${directory} (${server.pid}): stop it first.\n`,
    });
    server.kill("SIGKILL");
    await new Promise((resolve) => server.once("close", resolve));
    expect(await run("reset", ["--yes"])).toEqual({
      code: 0,
      output: `Deleted the local data in ${directory}.\n`,
    });
    expect(readdirSync(directory)).toEqual(["notes.txt"]);
  });
});

test("npm run shell shows the rows of each statement, and what is wrong with one", {
  timeout: 60_000,
}, async () => {
  const { code, output } = await run("shell", ["SELECT 7 AS seven; SELECT 'x' AS letter WHERE 0"]);
  expect(code).toBe(0);
  expect(output).toMatch(/seven[\s\S]*│ 7 +│[\s\S]*no rows, 0 changed/);
  const wrong = await run("shell", ["SELEC"]);
  expect(wrong.code).toBe(1);
  expect(wrong.output).toContain("syntax error");
});

describe("npm run dead-letters", { timeout: 20_000 }, () => {
  let shop: Server;
  let asked: string[];
  let url: string;

  beforeEach(async () => {
    asked = [];
    shop = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      const body = answers[`${request.method} ${request.url?.split("?")[0]?.replace("/api/v1", "")}`];
      response.writeHead(body === undefined ? 404 : body === null ? 204 : 200);
      const problem = { code: "not_found", detail: "There is no such dead letter." };
      response.end(body === null ? undefined : JSON.stringify(body ?? problem));
    });
    await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
    const address = shop.address();
    url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  });
  afterEach(() => new Promise((resolve) => shop.close(resolve)));

  const answers: Record<string, unknown> = {
    "POST /auth/token": { access_token: "of-the-admin" },
    "GET /dead-letters": {
      results: [{ id: "wrk_1", task: "email", attempts: 8, error: "not sent\n at x", last_at: "2026-11-20" }],
      next_cursor: null,
    },
    "POST /dead-letters/retry": { retried: 3 },
    "POST /dead-letters/wrk_1/retry": { retried: 1 },
    "DELETE /dead-letters/wrk_1": null,
  };

  test.each([
    [["list"], "wrk_1  email  8 attempts  2026-11-20  not sent\n1 dead letters\n"],
    [["retry", "--all"], "3 retried\n"],
    [["retry", "--id", "wrk_1"], "1 retried\n"],
    [["drop", "--id", "wrk_1"], "wrk_1 dropped\n"],
  ])("%j", async (args, output) => {
    expect(await run("dead-letters", [...args, "--url", `${url}/`, "--token", "t"])).toEqual({
      code: 0,
      output,
    });
    expect(asked).toEqual([expect.stringMatching(/ Bearer t$/)]);
  });

  test("asks as this machine's admin, and says what the shop refused", async () => {
    writeFileSync(join(directory, "dev.vars"), "ADMIN_EMAIL=a@shop.example\nADMIN_PASSWORD=correct-horse\n");
    const { code, output } = await run("dead-letters", ["drop", "--id", "wrk_2", "--url", url]);
    expect(code).toBe(1);
    expect(output).toBe("DELETE /dead-letters/wrk_2 answered 404 not_found: There is no such dead letter.\n");
    expect(asked[1]).toBe("DELETE /api/v1/dead-letters/wrk_2 Bearer of-the-admin");
  });

  test.each([
    [["retry"], "Say --all, or --id and which.\n"],
    [["retry", "--all", "--id", "wrk_1"], "Say --all, or --id and which.\n"],
    [["list", "--al"], "--al is not known here; --help tells what is.\n"],
    [["list"], "Pass a --token that has not expired, or set ADMIN_EMAIL and ADMIN_PASSWORD.\n"],
  ])("%j is refused", async (args, output) => {
    const token = output.startsWith("Pass") ? [] : ["--token", "t"];
    expect(await run("dead-letters", [...args, "--url", url, ...token])).toEqual({ code: 1, output });
    expect(asked).toEqual([]);
  });
});
