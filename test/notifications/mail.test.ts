import { describe, expect, test } from "vitest";
import { composeMail, isSafeAddress, parseSender } from "../../src/notifications/mail.ts";

const at = Date.UTC(2026, 10, 20, 9, 8, 7);
const envelope = { from: "The Shop <orders@shop.example>", taskId: "wrk_1", at };
const mail = { to: "ada@example.com", subject: "Grüße", text: "Hello Ada ☕\nbye\n", html: "<p>Hello</p>" };

/** Headers, unfolded, by lower-case name; and each part's type and decoded text. */
function readMime(raw: string) {
  const [head = "", ...rest] = raw.split("\r\n\r\n");
  const unfolded = head.replace(/\r\n[ \t]+/g, " ");
  const headers = Object.fromEntries(
    unfolded.split("\r\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const boundary = /boundary="?([^";]+)/.exec(headers["content-type"] ?? "")?.[1] ?? "";
  const parts = rest
    .join("\r\n\r\n")
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const [partHead = "", body = ""] = part.trim().split("\r\n\r\n");
      const bytes = Uint8Array.from(atob(body.replaceAll("\r\n", "")), (char) => char.charCodeAt(0));
      return {
        type: /Content-Type: ([^;\r]+)/.exec(partHead)?.[1],
        text: new TextDecoder().decode(bytes),
      };
    });
  return { headers, parts };
}

describe("a mail as MIME", () => {
  test("says who to whom, when, and for which work; text first, then HTML", () => {
    const composed = composeMail(mail, envelope);
    if (composed.kind !== "composed") throw new Error(composed.kind);
    expect(composed.mail).toMatchObject({ from: "orders@shop.example", to: "ada@example.com" });
    const { headers, parts } = readMime(composed.mail.raw);
    expect(headers).toMatchObject({
      date: "Fri, 20 Nov 2026 09:08:07 +0000",
      from: `=?utf-8?B?${btoa("The Shop")}?= <orders@shop.example>`,
      to: "<ada@example.com>",
      subject: "=?utf-8?B?R3LDvMOfZQ==?=",
      "message-id": "<wrk_1@shop.example>",
      "x-entity-ref-id": "wrk_1",
      "auto-submitted": "auto-generated",
      "mime-version": "1.0",
    });
    expect(headers["content-type"]).toMatch(/^multipart\/alternative; boundary=/);
    expect(parts).toEqual([
      { type: "text/plain", text: "Hello Ada ☕\r\nbye\r\n" },
      { type: "text/html", text: "<p>Hello</p>" },
    ]);
  });

  test("is ASCII in lines that any server takes, however long its text", () => {
    const text = "é".repeat(5_000);
    const composed = composeMail({ ...mail, text }, envelope);
    if (composed.kind !== "composed") throw new Error(composed.kind);
    const { raw } = composed.mail;
    expect(raw).toMatch(/^[\x20-\x7e\r\n]+$/);
    expect(raw.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    expect(Math.max(...raw.split("\r\n").map((line) => line.length))).toBeLessThanOrEqual(78);
    expect(readMime(raw).parts[0]?.text).toBe(text);
  });

  test("nothing that a customer wrote becomes a header", () => {
    const injected = "x\r\nBcc: everyone@example.com\r\n\r\n<b>";
    const composed = composeMail({ ...mail, subject: injected, text: injected, html: injected }, envelope);
    if (composed.kind !== "composed") throw new Error(composed.kind);
    expect(readMime(composed.mail.raw).headers).not.toHaveProperty("bcc");
    expect(composed.mail.raw).not.toContain("everyone");
  });

  test.each([
    "ada@example.com\r\nBcc: eve@example.com",
    "ada@example.com\nBcc: eve@example.com",
    "ada@example.com, eve@example.com",
    "ada@example.com> <eve@example.com",
    "ada@example.com\0",
    "ada@example.com ",
    "ada",
    "@example.com",
    "a@b@example.com",
    "",
    `${"a".repeat(250)}@example.com`,
  ])("%j is no address to send to", (to) => {
    expect(composeMail({ ...mail, to }, envelope)).toEqual({ kind: "bad_address", address: to });
  });

  test("ordinary addresses are", () => {
    for (const address of ["a.b+c@mail.example.co.uk", "o'neil@example.com", "grüße@exämple.de"]) {
      expect(isSafeAddress(address)).toBe(true);
    }
  });

  test("MAIL_FROM may have a name, quoted or not, or none", () => {
    const address = "orders@shop.example";
    expect(parseSender("Holdfast <orders@shop.example>")).toEqual({ name: "Holdfast", address });
    expect(parseSender('"Ada, Eve & Co." <orders@shop.example>')).toEqual({
      name: "Ada, Eve & Co.",
      address,
    });
    expect(parseSender("<orders@shop.example>")).toEqual({ name: "", address });
    expect(parseSender("orders@shop.example")).toEqual({ name: "", address });
    expect(composeMail(mail, { ...envelope, from: "The Shop" })).toMatchObject({ kind: "bad_address" });
  });
});
