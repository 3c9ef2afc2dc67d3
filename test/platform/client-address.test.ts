import { expect, test } from "vitest";
import { clientAddress, foldAddress } from "../../src/platform/http/client-address.ts";

const from = (headers: Record<string, string>) =>
  clientAddress(new Request("http://shop.test/", { headers }));

test("only the edge's own header says where a request comes from", () => {
  expect(from({ "CF-Connecting-IP": "192.0.2.7" })).toBe("192.0.2.7");
  expect(from({ "CF-Connecting-IP": "192.0.2.7", "X-Forwarded-For": "203.0.113.9" })).toBe("192.0.2.7");
  expect(from({ "X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9" })).toBe("unknown");
  expect(from({ "CF-Connecting-IP": "not an address" })).toBe("unknown");
  expect(from({})).toBe("unknown");
});

test("every spelling of an IPv6 address folds to one /64", () => {
  const spellings = [
    "2001:db8:1:2:3:4:5:6",
    "2001:0DB8:0001:0002:ffff:ffff:ffff:ffff",
    "2001:db8:1:2::",
    "2001:db8:1:2::1",
    "2001:db8:1:2::192.0.2.1",
    "2001:db8:1:2::1%eth0",
    "[2001:db8:1:2::1]",
  ];
  for (const spelling of spellings) expect(foldAddress(spelling), spelling).toBe("2001:db8:1:2::/64");
  expect(foldAddress("2001:db8:1:3::1")).toBe("2001:db8:1:3::/64");
  expect(foldAddress("::1")).toBe("0:0:0:0::/64");
  expect(foldAddress("fe80::1%25en0")).toBe("fe80:0:0:0::/64");
});

test("IPv4 mapped into IPv6 is that IPv4 address", () => {
  expect(foldAddress("::ffff:192.0.2.7")).toBe("192.0.2.7");
  expect(foldAddress("::FFFF:c000:0207")).toBe("192.0.2.7");
  expect(foldAddress("0:0:0:0:0:ffff:c000:207")).toBe("192.0.2.7");
});

test("what is no address folds to nothing", () => {
  const wrong = [
    "",
    "256.0.0.1",
    "1.2.3",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "g::",
    ":::",
    "1.2.3.4::",
  ];
  for (const text of wrong) expect(foldAddress(text), text).toBeNull();
});
