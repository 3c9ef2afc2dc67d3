/** Loaded when a password is first set, since a Worker that only sells needs none of it. */
let common: ReadonlySet<string> | null = null;

/** Whether many people have this password, in whatever letters: whoever guesses tries those first. */
export async function isCommonPassword(password: string): Promise<boolean> {
  if (common === null) {
    const { dictionary } = await import("@zxcvbn-ts/language-common");
    common = new Set(dictionary["passwords-common"]);
  }
  return common.has(password.normalize("NFKC").toLowerCase());
}
