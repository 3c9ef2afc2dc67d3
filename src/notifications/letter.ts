import { html } from "hono/html";
import type { Mail } from "./mail.ts";
import { plainName } from "./plain-name.ts";

/** A mail to a customer: the texts that both the plain and the HTML form contain. */
export interface Letter {
  subject: string;
  name: string;
  /** What it says, a sentence or two each. */
  says: string[];
  /** What it is about, with what it costs where that is told. */
  lines: { title: string; quantity: number; price: { each: string; subtotal: string } | null }[];
  /** Label and amount, without the total. */
  sums: [label: string, amount: string][];
  total: string | null;
  /** What can be done about it, and where; null where the shop has no page for it. */
  link: { label: string; url: string } | null;
}

export const renderLetter = async (letter: Letter, to: string): Promise<Mail> => ({
  to,
  subject: letter.subject,
  text: renderText(letter),
  html: String(await renderHtml(letter)),
});

const greetingOf = ({ name }: Letter): string => {
  const plain = plainName(name);
  return plain === "" ? "Hello," : `Hello ${plain},`;
};

function renderText(letter: Letter): string {
  const { says, lines, sums, total, link } = letter;
  const items = lines.map(
    ({ title, quantity, price }) =>
      `${quantity} x ${title}${price === null ? "" : `\n    ${price.each} each, ${price.subtotal}`}`,
  );
  const all = total === null ? sums : [...sums, ["Total", total]];
  const amounts = all.map(([label, amount]) => `${label}: ${amount}`);
  const see = link === null ? [] : [`${link.label}: ${link.url}`];
  const parts = [[greetingOf(letter)], says, items, amounts, see];
  return parts
    .filter((part) => part.length > 0)
    .map((part) => `${part.join("\n")}\n`)
    .join("\n");
}

const INK = "#1f2933";
const FAINT = "#6b7785";
const RULE = "#e4e8ec";

/**
 * Writes the mail as HTML. It uses tables and inline styles, because all mail readers support these. The `html` tag escapes the values, so a title
 * is never markup.
 */
function renderHtml(letter: Letter) {
  const { subject, says, lines, sums, total, link } = letter;
  const cell = `padding:12px 0;border-bottom:1px solid ${RULE};vertical-align:top;`;
  const itemRow = ({ title, quantity, price }: Letter["lines"][number]) => html`
        <tr>
          <td style="${cell}">${title}<br><span style="color:${FAINT};font-size:14px;">${quantity}${price === null ? "" : ` × ${price.each}`}</span></td>
          <td align="right" style="${cell}white-space:nowrap;">${price?.subtotal ?? ""}</td>
        </tr>`;
  const sumRow = ([label, amount]: [string, string]) => html`
        <tr>
          <td style="padding:4px 0;color:${FAINT};">${label}</td>
          <td align="right" style="padding:4px 0;color:${FAINT};white-space:nowrap;">${amount}</td>
        </tr>`;
  const totalRow = (amount: string) => html`
        <tr>
          <td style="padding:12px 0 0;font-weight:600;">Total</td>
          <td align="right" style="padding:12px 0 0;font-weight:600;white-space:nowrap;">${amount}</td>
        </tr>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${subject}</title>
</head>
<body style="margin:0;padding:0;background:#f4f6f8;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f4f6f8;">
  <tr>
    <td align="center" style="padding:32px 16px;">
      <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;background:#ffffff;border-radius:8px;border:1px solid ${RULE};font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;color:${INK};">
        <tr>
          <td style="padding:32px 32px 8px;">
            <h1 style="margin:0 0 16px;font-size:22px;line-height:1.3;">${subject}</h1>
            <p style="margin:0 0 12px;">${greetingOf(letter)}</p>
            <p style="margin:0 0 12px;">${says.join(" ")}</p>
          </td>
        </tr>
        <tr>
          <td style="padding:0 32px;">
      <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="font-size:16px;color:${INK};">
        ${lines.map(itemRow)}
      </table>
          </td>
        </tr>
        <tr>
          <td style="padding:12px 32px 32px;">
      <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="font-size:16px;color:${INK};">
        ${sums.map(sumRow)}
        ${total === null ? "" : totalRow(total)}
      </table>
      ${link === null ? "" : html`<p style="margin:16px 0 0;"><a href="${link.url}" style="color:${INK};">${link.label}</a></p>`}
          </td>
        </tr>
      </table>
    </td>
  </tr>
</table>
</body>
</html>
`;
}
