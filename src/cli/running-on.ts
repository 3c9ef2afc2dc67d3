import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Processes that work on a state directory: they name it in their arguments, as `npm start` tells wrangler to. */
export function runningOn(stateDir: string): number[] {
  return existsSync("/proc/self/cmdline") ? fromProc(stateDir) : fromPs(stateDir);
}

function fromProc(stateDir: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = argumentsOf(pid);
      return words.some((word, index) => word === "--persist-to" && words[index + 1] === stateDir);
    })
    .map(Number);
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // it ended while we were looking
  }
}

function fromPs(stateDir: string): number[] {
  return execFileSync("ps", ["-A", "-o", "pid=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(`--persist-to ${stateDir} `) || line.endsWith(`--persist-to ${stateDir}`))
    .map((line) => Number.parseInt(line, 10));
}
