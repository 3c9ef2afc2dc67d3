import { expect, test } from "vitest";
import { newUserRow } from "../../src/accounts/new-user.ts";
import { hashPassword, NO_ACCOUNT_HASH, verifyPassword } from "../../src/accounts/password.ts";

// On plain Node, where `npm run admin` hashes what the Worker then verifies.

test("a password fits its own hash alone", async () => {
  const stored = await hashPassword("analytical engine");
  expect(stored).toMatch(/^scrypt\$16384\$8\$5\$[\w-]{22}\$[\w-]{43}$/);
  expect(await verifyPassword("analytical engine", stored)).toBe(true);
  expect(await verifyPassword("analytical enginE", stored)).toBe(false);
  expect(await verifyPassword("", stored)).toBe(false);
  expect(await hashPassword("analytical engine")).not.toBe(stored);
});

test("a password is the same in whichever way its letters are composed", async () => {
  const stored = await hashPassword("Stra\u00dfencaf\u00e9");
  expect(await verifyPassword("Stra\u00dfencafe\u0301", stored)).toBe(true);
});

test("the hash carries its own price, so that the price can be raised later", async () => {
  // RFC 7914, section 12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1), its first 32 bytes.
  const hash = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2";
  const text = (bytes: Buffer) => bytes.toString("base64url");
  const stored = `scrypt$16384$8$1$${text(Buffer.from("SodiumChloride"))}$${text(Buffer.from(hash, "hex"))}`;
  expect(await verifyPassword("pleaseletmein", stored)).toBe(true);
  const cheap = stored.replace("16384", "1024");
  expect(await verifyPassword("pleaseletmein", cheap)).toBe(false);
});

test("what is no hash fits nothing", async () => {
  for (const stored of ["", "none", "scrypt$16384$8$1$", "bcrypt$16384$8$1$AAAA$AAAA", NO_ACCOUNT_HASH]) {
    expect(await verifyPassword("none", stored)).toBe(false);
  }
});

test("a user's row has its address as it will be looked up", () => {
  const given = { id: "01j", email: " Ada@Shop.Example ", name: " Ada ", passwordHash: "scrypt$…" };
  expect(newUserRow({ ...given, role: "admin", now: 5 })).toEqual({
    id: "usr_01j",
    email: "ada@shop.example",
    name: "Ada",
    password_hash: "scrypt$…",
    role: "admin",
    created_at: 5,
    updated_at: 5,
  });
});
