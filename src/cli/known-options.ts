/** Refuses what a command does not know: a mistyped option must not pass for one that was left out. */
export function refuseUnknown(given: { _: string[]; [option: string]: unknown }, known: object): void {
  const options = Object.keys(given).filter((name) => name !== "_" && !(name in known));
  const unknown = [...options.map((name) => `--${name}`), ...given._];
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")} is not known here; --help tells what is.`);
}
