import { html } from "hono/html";
import { createMimeMessage } from "mimetext/browser";

/** A letter to one reader, in both forms. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
}

interface Envelope {
  /** `Name <address>` or an address, as MAIL_FROM has it. */
  from: string;
  /** The work owed that it is sent for. */
  workId: string;
  /** Milliseconds. */
  at: number;
}

interface ComposedMail {
  /** Bare addresses, as a mail server takes them. */
  from: string;
  to: string;
  /** RFC 5322, CRLF, ASCII throughout. */
  raw: string;
}

const MAX_ADDRESS_LENGTH = 254;

/**
 * What may stand between the angle brackets of a header: one `@`, and nothing that ends a line, an address or a
 * list. Narrower than RFC 5321, which nobody's shop has a customer to show for.
 */
const ADDRESS = /^[^\s<>()[\]\\,;:"@\p{Cc}]+@[^\s<>()[\]\\,;:"@\p{Cc}]+$/u;

export const isSafeAddress = (address: string): boolean =>
  address.length <= MAX_ADDRESS_LENGTH && ADDRESS.test(address);

/** `Name <address>` in its two parts. */
export function parseSender(sender: string): { name: string; address: string } {
  const match = /^\s*"?([^"<]*?)"?\s*<([^<>]+)>\s*$/.exec(sender);
  return { name: match?.[1] ?? "", address: (match?.[2] ?? sender).trim() };
}

/**
 * The message as MIME, multipart/alternative. The reader's name stays out of the headers, texts go as base64, and
 * addresses that could break out of their header are refused, so nothing that a customer wrote can become a header.
 * The row of work is the Message-ID and, because Cloudflare writes a Message-ID of its own over it, the
 * X-Entity-Ref-ID too: a mail that came twice can be seen to be one.
 */
export function composeMail(
  mail: Mail,
  { from, workId, at }: Envelope,
): { kind: "composed"; mail: ComposedMail } | { kind: "bad_address"; address: string } {
  const sender = parseSender(from);
  for (const address of [sender.address, mail.to]) {
    if (!isSafeAddress(address)) return { kind: "bad_address", address };
  }
  const domain = sender.address.slice(sender.address.indexOf("@") + 1);
  const message = createMimeMessage();
  message.setSender({ name: sender.name, addr: sender.address });
  message.setTo({ addr: mail.to });
  message.setSubject(mail.subject);
  message.setHeader("Date", new Date(at).toUTCString().replace("GMT", "+0000"));
  message.setHeader("Message-ID", `<${workId}@${domain}>`);
  message.setHeader("X-Entity-Ref-ID", workId);
  message.setHeader("Auto-Submitted", "auto-generated");
  message.addMessage({ contentType: "text/plain", encoding: "base64", data: base64Lines(mail.text) });
  message.addMessage({ contentType: "text/html", encoding: "base64", data: base64Lines(mail.html) });
  return { kind: "composed", mail: { from: sender.address, to: mail.to, raw: message.asRaw() } };
}

/** Base64 of the text's UTF-8, in lines of 76 characters (RFC 2045, 6.8). */
function base64Lines(text: string): string {
  const bytes = new TextEncoder().encode(text.replace(/\r?\n/g, "\r\n"));
  const encoded = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return encoded.replace(/.{76}(?=.)/g, "$&\r\n");
}

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
