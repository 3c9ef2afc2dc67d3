import { expect, test } from "vitest";
import { plainName } from "../../src/notifications/plain-name.ts";

test.each([
  ["Ada Lovelace", "Ada Lovelace"],
  ["Jean-Luc O'Brien", "Jean-Luc O'Brien"],
  ["Dr. J. R. R. Tolkien", "Dr. J. R. R. Tolkien"],
  ["J.R.R. Tolkien", "J. R. R. Tolkien"],
  ["李小龍", "李小龍"],
  ["Click https://evil.example/now?a=1#b", "Click https evil. example now a 1 b"],
  ["www.evil.example", "www. evil. example"],
  ["evil。example or evil．example", "evil. example or evil. example"],
  ["mail eve@evil.example", "mail eve evil. example"],
  ["javascript:alert(1)", "javascript alert 1"],
  ["[click](//evil.example)", "click evil. example"],
  ["<b>Ada</b>", "b Ada b"],
  ["Ada\r\nTotal: 0", "Ada Total 0"],
  ["evil\u200b.example", "evil . example"],
  ["x".repeat(200), "x".repeat(60)],
  ["://", ""],
])("of %j a mail says %j", (name, said) => {
  expect(plainName(name)).toBe(said);
});
