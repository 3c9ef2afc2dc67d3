const LONGEST = 60;

/**
 * A name as a mail may say it. Anybody can have a mail sent to an address that is not theirs, and a name may be
 * `Click https://evil.example`: what mail readers make a link of is taken apart, and what is left is short and of one line.
 */
export function plainName(name: string): string {
  const plain = name
    .normalize("NFKC")
    .replace(/[\s\p{Cc}\p{Cf}/\\:@<>()[\]{}|"`=?#%&]+/gu, " ")
    // A dot with no blank after it may stand in a domain, as may those of other scripts.
    .replace(/[.\u3002\uff61](?=\S)/gu, ". ")
    .replace(/ +/g, " ")
    .trim();
  return [...plain].slice(0, LONGEST).join("").trim();
}
