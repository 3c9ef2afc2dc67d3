/**
 * Checks that what the documents name is there: links with their anchors, paths and file names of the repository, npm
 * scripts; in comments of the source too, where those cite a section of a document. Prints each fault and exits 1 when
 * there is one. `npm run lint` runs it. Other hosts are not asked.
 */
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

interface Line {
  file: string;
  number: number;
  text: string;
  /** Inside of a fenced block, where there are neither links nor headings. */
  fenced: boolean;
}

const DOCUMENTS = ["README.md", "CONTRIBUTING.md", ...globSync("docs/*.md").sort()];
const SOURCES = globSync(["src/**/*.ts", "test/**/*.ts"]).sort();

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const CODE = /`([^`]+)`/g;
/** What begins as a path of ours; a placeholder such as `src/<room>/` is none. */
const PATH = /^(?:\.ci|docs|migrations|src|test)\/[^\s<]*$/;
const FILE_NAME = /^\w[\w.-]*\.(?:json|md|sql|toml|ts)$/;
const SCRIPT = /\bnpm (?:run ([\w-]+)|(start|test)\b)/g;
const COMMENT = /^\s*(?:\/\*\*|\*|\/\/) (.*)$/;
/** In comments paths stand bare, and what they cite has a section or none. */
const CITED = /\b((?:docs|src|test)\/[\w./-]+\.(?:md|ts))(?: §(\d+))?/g;

const manifest: { scripts: Record<string, string> } = JSON.parse(readFileSync("package.json", "utf8"));
const names = new Set(globSync(["*", "{docs,migrations,src,test}/**/*"]).map((path) => basename(path)));
const documents = DOCUMENTS.flatMap(linesOf);
const comments = SOURCES.flatMap(commentsOf);
const anchors = new Map(DOCUMENTS.map((file) => [file, anchorsOf(file)]));

const faults = [
  ...documents.flatMap((line) => [...links(line), ...code(line), ...scripts(line)]),
  ...comments.flatMap((line) => [...citations(line), ...scripts(line)]),
  ...rooms(),
];
for (const fault of faults) console.error(fault);
console.log(
  `${DOCUMENTS.length} documents and the comments of ${SOURCES.length} modules, ${faults.length} faults`,
);
process.exit(faults.length === 0 ? 0 : 1);

function linesOf(file: string): Line[] {
  let fenced = false;
  return readFileSync(file, "utf8")
    .split("\n")
    .map((text, index) => {
      const fence = text.startsWith("```");
      if (fence) fenced = !fenced;
      return { file, number: index + 1, text, fenced: fenced || fence };
    });
}

function commentsOf(file: string): Line[] {
  return linesOf(file).flatMap((line) => {
    const text = COMMENT.exec(line.text)?.[1];
    return text === undefined ? [] : [{ ...line, text }];
  });
}

/** As GitHub makes them: of two alike the second ends in `-1`. */
function anchorsOf(file: string): Set<string> {
  const made = new Set<string>();
  for (const { text, fenced } of linesOf(file)) {
    const heading = fenced ? undefined : /^#{1,6} (.+)$/.exec(text)?.[1];
    if (heading === undefined) continue;
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let times = 1; made.has(anchor); times++) anchor = `${slug}-${times}`;
    made.add(anchor);
  }
  return made;
}

function at({ file, number }: Line, what: string): string {
  return `${file}:${number}: ${what}`;
}

function links(line: Line): string[] {
  if (line.fenced) return [];
  return [...line.text.matchAll(LINK)].flatMap(([, target = ""]) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = "", anchor] = target.split("#");
    const to = path === "" ? line.file : join(dirname(line.file), path);
    if (!existsSync(to)) return [at(line, `no such file: ${target}`)];
    if (anchor === undefined || anchors.get(to)?.has(anchor)) return [];
    return [at(line, `no such heading: ${target}`)];
  });
}

/** Each word of code that looks like a path, or like the name of a file. */
function code(line: Line): string[] {
  const spans = line.fenced ? [line.text] : [...line.text.matchAll(CODE)].map(([, span = ""]) => span);
  return spans
    .flatMap((span) => span.split(/\s+/))
    .flatMap((word) => {
      if (PATH.test(word)) return isThere(word) ? [] : [at(line, `no such path: ${word}`)];
      return FILE_NAME.test(word) && !names.has(word) ? [at(line, `no such file: ${word}`)] : [];
    });
}

function isThere(path: string): boolean {
  return path.includes("*") ? globSync(path).length > 0 : existsSync(path);
}

function scripts(line: Line): string[] {
  return [...line.text.matchAll(SCRIPT)].flatMap(([, run, name = run]) =>
    name === undefined || name in manifest.scripts ? [] : [at(line, `no such script: npm run ${name}`)],
  );
}

function citations(line: Line): string[] {
  return [...line.text.matchAll(CITED)].flatMap(([, path = "", section]) => {
    if (!existsSync(path)) return [at(line, `no such path: ${path}`)];
    if (section === undefined) return [];
    const heads = linesOf(path).some(({ text }) => text.startsWith(`## ${section}. `));
    return heads ? [] : [at(line, `no such section: ${path} §${section}`)];
  });
}

/** What a reader is told of the house is all of it. */
function rooms(): string[] {
  const design = readFileSync("docs/DESIGN.md", "utf8");
  return readdirSync("src", { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !design.includes(`| \`src/${entry.name}/\` |`))
    .map(({ name }) => `docs/DESIGN.md: says nothing of src/${name}/`);
}
