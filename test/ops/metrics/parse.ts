/**
 * Reads Prometheus' text format as strictly as it can be read, and throws at the first line that is not: each family has
 * its HELP and TYPE before its samples, all of which stand together, no sample comes twice, and the last line ends.
 */
export function parseMetrics(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  let current: { name: string; family: Family } | null = null;
  for (const line of text.slice(0, -1).split("\n")) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\]|\\\\|\\n)+)$/.exec(line);
    if (help) {
      const [, name = "", words = ""] = help;
      if (families.has(name)) throw new Error(`${name} comes twice`);
      current = { name, family: { type: "", help: unescaped(words), samples: new Map() } };
      families.set(name, current.family);
      continue;
    }
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)$/.exec(line);
    if (type) {
      if (type[1] !== current?.name || current?.family.type !== "") throw new Error(`out of place: ${line}`);
      current.family.type = type[2] ?? "";
      continue;
    }
    const sample =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.+)\})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line);
    if (!sample || !current?.family.type || sample[1] !== current.name)
      throw new Error(`out of place: ${line}`);
    const labels = JSON.stringify(parseLabels(sample[2] ?? ""));
    if (current.family.samples.has(labels)) throw new Error(`comes twice: ${line}`);
    current.family.samples.set(labels, Number(sample[3]?.replace("Inf", "Infinity")));
  }
  return families;
}

export interface Family {
  type: string;
  help: string;
  /** By the labels, as JSON in the order in which they were written. */
  samples: Map<string, number>;
}

function parseLabels(text: string): Record<string, string> {
  const pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\\\|\\"|\\n)*)"(,|$)/y;
  const labels: Record<string, string> = {};
  while (pair.lastIndex < text.length) {
    const found = pair.exec(text);
    if (!found) throw new Error(`no labels: ${text}`);
    const [, name = "", value = ""] = found;
    if (name in labels) throw new Error(`${name} comes twice: ${text}`);
    labels[name] = unescaped(value);
  }
  return labels;
}

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, character) => (character === "n" ? "\n" : character));
