/**
 * What two names have in common that people take for one: case, the form of Unicode, width, and how many spaces stand where.
 * Marks stay: `Apfel` and `Äpfel` are two names. `ß` has capitals that are two letters, and `ẞ` none at all, so names are
 * brought to small letters, to capitals and back.
 */
export const nameKey = (name: string): string =>
  name
    .toWellFormed()
    .normalize("NFKC")
    .replaceAll(/\p{Cf}/gu, "")
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll("ς", "σ")
    .normalize("NFKC")
    .replaceAll(/[\p{White_Space}]+/gu, " ")
    .trim();
