import { base64url } from "jose";

const NONCE_BYTES = 12;

const HKDF = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array() };

/** Encrypts a text (AES-GCM, a nonce of its own before it), as base64url. */
export async function seal(key: CryptoKey, text: string): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce },
    key,
    new TextEncoder().encode(text),
  );
  return base64url.encode(new Uint8Array([...nonce, ...new Uint8Array(sealed)]));
}

/** The text again, by whichever of the keys sealed it; null where none did. */
export async function unseal(keys: readonly CryptoKey[], sealed: string): Promise<string | null> {
  const bytes = bytesOf(sealed);
  if (bytes === null) return null;
  const [iv, text] = [
    new Uint8Array(bytes.subarray(0, NONCE_BYTES)),
    new Uint8Array(bytes.subarray(NONCE_BYTES)),
  ];
  for (const key of keys) {
    try {
      return new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, text));
    } catch {
      // Sealed by another, or by none.
    }
  }
  return null;
}

function bytesOf(text: string): Uint8Array | null {
  try {
    return base64url.decode(text);
  } catch {
    return null;
  }
}

/** What stands for a text without telling it: always the same, and not to be guessed without the secret. @param secret for HKDF */
export async function pseudonym(secret: CryptoKey, purpose: string, text: string): Promise<string> {
  const derivation = { ...HKDF, info: new TextEncoder().encode(`${purpose} ${text}`) };
  return base64url.encode(new Uint8Array(await crypto.subtle.deriveBits(derivation, secret, 128)));
}

/** A key for one purpose of a secret that has several. @param secret for HKDF */
export function sealingKey(secret: CryptoKey, purpose: string): Promise<CryptoKey> {
  const info = new TextEncoder().encode(purpose);
  const derivation = { ...HKDF, info };
  const aes = { name: "AES-GCM", length: 256 };
  return crypto.subtle.deriveKey(derivation, secret, aes, false, ["encrypt", "decrypt"]);
}
