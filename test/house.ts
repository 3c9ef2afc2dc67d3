/**
 * Checks the order of the house (docs/DESIGN.md §7): imports point down the list of rooms, modules that run make no
 * cycle, nothing is left over, only the command line runs on Node, and platform speaks of no other room. Prints each
 * fault and exits 1 when there is one. `npm run lint` runs it. It reads import lines as biome writes them: the tools
 * that draw dependency graphs need the compiler's old programming interface, which TypeScript 7 no longer has.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** From the top. A room may import itself and what stands below it. */
const ROOMS = [
  /^src\/index\.ts$/,
  /^src\/worker\.ts$/,
  /^src\/app\.ts$/,
  /^src\/(queues|schedule|reference)\.ts$/,
  /^src\/cli\//,
  /^src\/ops\//,
  /^src\/privacy\//,
  /^src\/notifications\//,
  /^src\/payments\//,
  /^src\/carts\//,
  /^src\/orders\//,
  /^src\/claims\//,
  /^src\/inventory\//,
  /^src\/catalog\//,
  /^src\/accounts\//,
  /^src\/events\//,
  /^src\/audit\//,
  /^src\/platform\//,
  /^src\/(problem-codes|permissions)\.ts$/,
];

/** Where running starts, besides what package.json's scripts name. `tables.ts` is read by drizzle-kit. */
const ENTRANCES = [/^src\/index\.ts$/, /\/tables\.ts$/, /\.d\.ts$/];

/** What `nodejs_compat` gives the Worker and its rooms need. */
const WORKER_BUILTINS = ["node:buffer", "node:crypto", "node:util"];

/** What the rooms above platform are about. In what platform's code says, none of it may come up. */
const ROOM_WORDS =
  /\/api\/|\\\/api\\\/|(?<![a-z])(?:accounts?|auth|backups?|carts?|catalog(?:ue)?|categor(?:y|ies)|checkout|inventor(?:y|ies)|orders?(?! BY\b)|payments?|products?|refunds?|reports?|selling|shipments?|stock|(?<!no-)stores?|webhooks?)(?![a-z])/i;

/** Where platform may, and why. Each must still be needed. */
const SPOKEN_OF: { file: string; text: RegExp; because: string }[] = [
  {
    file: "src/platform/restoring.ts",
    text: /key = 'selling'/,
    because: "what every writer asks stands in a row that is named so",
  },
  {
    file: "src/platform/http/restore-guard.ts",
    text: /^The shop is being restored from a backup\./,
    because: "what a client is told",
  },
  {
    file: "src/platform/rate-limit/limit.ts",
    text: /^(?:orders|webhooks)$/,
    because: "what a limit is called on the wire and in metrics",
  },
  {
    file: "src/platform/http/flood-guard.ts",
    text: /^webhooks$/,
    because: "what a limit is called on the wire and in metrics",
  },
  { file: "src/platform/settings.ts", text: /./, because: "settings are the shop's, and read in one place" },
];

interface Import {
  to: string;
  typeOnly: boolean;
}

const STATEMENT = /^(?:import|export)\b(\s+type\b)?[^;"']*?\bfrom\s*["']([^"']+)["']/gm;
const BARE = /(?:^import\s*|\bimport\()\s*["']([^"']+)["']/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8");
  const named = [...text.matchAll(STATEMENT)].map(([, type, to = ""]) => ({
    to,
    typeOnly: type !== undefined,
  }));
  const bare = [...text.matchAll(BARE)].map(([, to = ""]) => ({ to, typeOnly: false }));
  return [...named, ...bare].map(({ to, typeOnly }) => ({
    to: to.startsWith(".") ? join(dirname(file), to) : to,
    typeOnly,
  }));
}

const files = globSync("src/**/*.ts").sort();
const house = new Map(files.map((file) => [file, importsOf(file)]));
const faults = [...wrongWays(), ...cycles(), ...leftOvers(), ...spokenOf()];
for (const fault of faults) console.error(fault);
console.log(`${files.length} modules in ${ROOMS.length} rooms, ${faults.length} faults`);
process.exit(files.length > 0 && faults.length === 0 ? 0 : 1);

function wrongWays(): string[] {
  const roomOf = (file: string) => ROOMS.findIndex((room) => room.test(file));
  return files.flatMap((file) =>
    (house.get(file) ?? []).flatMap(({ to, typeOnly }) => {
      const from = roomOf(file);
      if (from === -1) return file.endsWith(".d.ts") ? [] : [`no room: ${file}`];
      if (to.startsWith("node:") && !WORKER_BUILTINS.includes(to) && !file.startsWith("src/cli/")) {
        return [`Node in the Worker: ${file} -> ${to}`];
      }
      if (to.startsWith("test/")) return [`a test in the house: ${file} -> ${to}`];
      if (!to.startsWith("src/")) return [];
      if (!house.has(to)) return [`not there: ${file} -> ${to}`];
      return roomOf(to) < from ? [`upward: ${file} -> ${to}${typeOnly ? " (type)" : ""}`] : [];
    }),
  );
}

/** Types may know each other; each cycle is told once, from where the search met it. */
function cycles(): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) {
      found.push(`cycle: ${[...path.slice(path.indexOf(file)), file].join(" -> ")}`);
      return;
    }
    if (done.has(file)) return;
    for (const { to, typeOnly } of house.get(file) ?? []) if (!typeOnly) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

function leftOvers(): string[] {
  const scripts: string[] = readFileSync("package.json", "utf8").match(/src\/[\w./-]+\.ts/g) ?? [];
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const { to } of house.get(file) ?? []) visit(to);
  };
  for (const file of files) {
    if (scripts.includes(file) || ENTRANCES.some((entrance) => entrance.test(file))) visit(file);
  }
  return files.filter((file) => !reached.has(file)).map((file) => `left over: ${file}`);
}

/** Paths and words of other rooms in platform's strings and patterns. */
function spokenOf(): string[] {
  const needed = new Set<(typeof SPOKEN_OF)[number]>();
  const found = files
    .filter((file) => file.startsWith("src/platform/"))
    .flatMap((file) =>
      literalsOf(readFileSync(file, "utf8"))
        .filter((text) => ROOM_WORDS.test(text))
        .filter((text) => {
          const allowed = SPOKEN_OF.find((one) => one.file === file && one.text.test(text));
          if (allowed) needed.add(allowed);
          return !allowed;
        })
        .map((text) => `platform speaks of another room: ${file}: ${text}`),
    );
  const idle = SPOKEN_OF.filter((one) => !needed.has(one));
  return [...found, ...idle.map(({ file, text }) => `allowed and not needed: ${file}: ${text}`)];
}

/** Strings, templates and patterns of a module, without their marks; comments and imports left out. */
function literalsOf(source: string): string[] {
  const tokens =
    /\/\*[\s\S]*?\*\/|\/\/.*|^(?:import|export)\b[^;"']*?\bfrom\s*"[^"]+"|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`|(?<=(?:[(,=:[!&|?{};>]|\breturn)\s*)\/((?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/[a-z]*/gm;
  return [...source.matchAll(tokens)].flatMap(([, ...literals]) =>
    literals.filter((one) => one !== undefined),
  );
}
