import { html } from "hono/html";
import { FIELD_CODES, PROBLEM_CODES, type ProblemCode, statusesOf } from "../../problem-codes.ts";

/** Everything that a page takes comes from this host. @param more what this page needs besides its style */
export const pagePolicy = (...more: string[]): string =>
  [
    "default-src 'none'",
    "style-src 'self'",
    ...more,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

export const ERRORS_POLICY = pagePolicy();

export const ERRORS_STYLE = `body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ddd; padding: .4rem .8rem .4rem 0; text-align: left; vertical-align: top }
tr:target { background: #fff3c4 }
`;

/** Every code with its meaning. The `type` of a problem leads to its row. */
export function errorsPage(name: string) {
  const codes = (Object.keys(PROBLEM_CODES) as ProblemCode[]).sort();
  const fields = Object.entries(FIELD_CODES).sort(([a], [b]) => (a < b ? -1 : 1));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}: errors</title>
<link rel="stylesheet" href="/docs/errors.css">
</head>
<body>
<h1>Errors</h1>
<p>Each refusal is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> does not change, and its
<code>type</code> leads here. <a href="/docs">The reference</a> says which codes each operation answers.</p>
<table>
<tr><th>code</th><th>status</th><th>meaning</th></tr>
${codes.map(
  (
    code,
  ) => html`<tr id="${code}"><td><code>${code}</code></td><td>${statusesOf(code).join(", ")}</td><td>${plain(PROBLEM_CODES[code].means)}</td></tr>
`,
)}</table>
<h2>Faults of one field</h2>
<p>In <code>errors</code>, beside <code>field</code> and <code>message</code>. A problem about one field may repeat its own code there.</p>
<table>
<tr><th>code</th><th>meaning</th></tr>
${fields.map(
  ([code, means]) => html`<tr id="field-${code}"><td><code>${code}</code></td><td>${plain(means)}</td></tr>
`,
)}</table>
</body>
</html>
`;
}

/** What is code in Markdown, as HTML. */
const plain = (text: string) =>
  text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
