import { html } from "hono/html";
import type { Mail } from "./mail.ts";

/** A few plain lines for the people who run the shop. */
export interface Notice {
  subject: string;
  lines: string[];
}

export async function renderNotice({ subject, lines }: Notice, to: string): Promise<Mail> {
  const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${subject}</title></head>
<body style="margin:24px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;line-height:1.5;">
<h1 style="font-size:20px;">${subject}</h1>
<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>
</body>
</html>
`;
  return {
    to,
    subject,
    text: `${subject}\n\n${lines.map((line) => `- ${line}\n`).join("")}`,
    html: String(await page),
  };
}
