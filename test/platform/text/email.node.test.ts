import { expect, test } from "vitest";
import { readEmail } from "../../../src/platform/text/email.ts";

const LONG = "a".repeat(64);

test.each([
  ["ada@shop.example", "ada@shop.example"],
  ["  ada@shop.example\t", "ada@shop.example"],
  ["Ada.Lovelace+shop@Shop.Example", "Ada.Lovelace+shop@Shop.Example"],
  ["r&d@shop.example", "r&d@shop.example"],
  ["a/b=c!d@shop.example", "a/b=c!d@shop.example"],
  ["o'neill@shop.example", "o'neill@shop.example"],
  ["{it}|~`^*?%$#@shop.example", "{it}|~`^*?%$#@shop.example"],
  ["_@a.io", "_@a.io"],
  ["1@2.3.museum", "1@2.3.museum"],
  [`${LONG}@shop.example`, `${LONG}@shop.example`],
  ["ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"],
  ["ada@shop.xn--p1ai", "ada@shop.xn--p1ai"],
  ["ada@bücher.example", "ada@xn--bcher-kva.example"],
  ["ada@BÜCHER.example", "ada@xn--bcher-kva.example"],
  ["ada@bu\u0308cher.example", "ada@xn--bcher-kva.example"],
  ["ada@почта.рф", "ada@xn--80a1acny.xn--p1ai"],
  ["ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"],
])("%j is %j", (text, email) => {
  expect(readEmail(text)).toEqual({ kind: "email", email });
  expect(readEmail(email)).toEqual({ kind: "email", email });
});

test.each([
  ...[
    "",
    "@",
    "ada",
    "ada@",
    "@shop.example",
    "ada@localhost",
    "ada@shop..example",
    "ada@-shop.example",
    "ada@shop-.example",
  ],
  ...[
    ".ada@shop.example",
    "ada.@shop.example",
    "a..b@shop.example",
    "a b@shop.example",
    "a@b@shop.example",
    "ada@192.0.2.1",
  ],
  ...[
    "<ada@shop.example>",
    "ada@shop.example\nBcc: x@y.example",
    "a,b@shop.example",
    "ada@shop.example:25",
    "ada@[192.0.2.1]",
  ],
  ...["ada@bücher.example/x", "ada@ü?.example", `a${LONG}@shop.example`, `ada@${"a".repeat(64)}.example`],
  ...[`ada@${"abcdefgh.".repeat(30)}example`, '"ada"@shop.example', "ada@shop.example."],
])("%j is none", (text) => {
  expect(readEmail(text)).toEqual({ kind: "invalid", message: "is not an e-mail address" });
});

test.each(["дмитрий@почта.рф", "jörg@shop.example"])("%j is refused with words that say why", (text) => {
  expect(readEmail(text)).toMatchObject({
    kind: "invalid",
    message: expect.stringContaining("before the @"),
  });
});
