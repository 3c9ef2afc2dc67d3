import { html } from "hono/html";
import { createMimeMessage } from "mimetext/browser";

/** An e-mail to one recipient, as text and as HTML. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
}

interface Envelope {
  /** The setting MAIL_FROM: `Name <address>`, or an address. */
  from: string;
  /** The task that sends it. */
  taskId: string;
  /** When it is sent, in milliseconds since the epoch. */
  at: number;
}

interface ComposedMail {
  /** Addresses without names, for the mail server. */
  from: string;
  to: string;
  /** The message by RFC 5322, with CRLF and in ASCII. */
  raw: string;
}

const MAX_ADDRESS_LENGTH = 254;

/**
 * An address that is safe in a header: one `@`, and no character that could end a line, an address or a list. RFC 5321
 * allows more, but such addresses are not in use.
 */
const ADDRESS = /^[^\s<>()[\]\\,;:"@\p{Cc}]+@[^\s<>()[\]\\,;:"@\p{Cc}]+$/u;

export const isSafeAddress = (address: string): boolean =>
  address.length <= MAX_ADDRESS_LENGTH && ADDRESS.test(address);

/** Splits `Name <address>`. */
export function parseSender(sender: string): { name: string; address: string } {
  const match = /^\s*"?([^"<]*?)"?\s*<([^<>]+)>\s*$/.exec(sender);
  return { name: match?.[1] ?? "", address: (match?.[2] ?? sender).trim() };
}

/**
 * Makes the MIME message, as multipart/alternative. Nothing that a customer wrote can become a header: the recipient's name
 * is not in the headers, texts are in base64, and unsafe addresses are refused. So that an e-mail that comes twice can be
 * recognised, the task's id is the Message-ID, and also the X-Entity-Ref-ID, because Cloudflare replaces the Message-ID.
 */
export function composeMail(
  mail: Mail,
  { from, taskId, at }: Envelope,
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
  message.setHeader("Message-ID", `<${taskId}@${domain}>`);
  message.setHeader("X-Entity-Ref-ID", taskId);
  message.setHeader("Auto-Submitted", "auto-generated");
  message.addMessage({ contentType: "text/plain", encoding: "base64", data: base64Lines(mail.text) });
  message.addMessage({ contentType: "text/html", encoding: "base64", data: base64Lines(mail.html) });
  return { kind: "composed", mail: { from: sender.address, to: mail.to, raw: message.asRaw() } };
}

/** The text in UTF-8 and base64, in lines of 76 characters (RFC 2045, 6.8). */
function base64Lines(text: string): string {
  const bytes = new TextEncoder().encode(text.replace(/\r?\n/g, "\r\n"));
  const encoded = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return encoded.replace(/.{76}(?=.)/g, "$&\r\n");
}

/** An e-mail to the people who run the shop: a list of lines. */
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
