// The little of curl that a printed command uses, for machines without it: `node curl.ts -sS -X POST URL -H … -d …`.
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    silent: { type: "boolean", short: "s" },
    "show-error": { type: "boolean", short: "S" },
    request: { type: "string", short: "X", default: "GET" },
    header: { type: "string", short: "H", multiple: true, default: [] },
    data: { type: "string", short: "d" },
  },
});
const headers = values.header.map((line): [string, string] => {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
});
const answer = await fetch(positionals[0] ?? "", {
  method: values.request,
  headers,
  ...(values.data === undefined ? {} : { body: values.data }),
});
console.log(await answer.text());
