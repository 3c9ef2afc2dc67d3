import { type ArgsDef, defineCommand, type ParsedArgs } from "citty";

interface Given {
  _: string[];
  [option: string]: unknown;
}

/** Defines a command. If it fails, it prints the message in one line and exits with 1. */
export const commandOf = <const A extends ArgsDef>(
  name: string,
  description: string,
  options: A,
  work: (args: ParsedArgs<A>) => Promise<void>,
) =>
  defineCommand<A>({
    meta: { name, description },
    args: options,
    run: async ({ args }) => {
      try {
        refuseUnknown(args, options);
        await work(args);
      } catch (error) {
        console.error(error instanceof Error ? error.message : String(error));
        process.exitCode = 1;
      }
    },
  });

/** Refuses unknown options, because citty ignores them, so that a mistyped one would count as left out. */
export function refuseUnknown(given: Given, known: ArgsDef): void {
  // citty gives a hyphenated option under two names, and positional arguments both by name and in `_`.
  const names = new Set(Object.keys(known).flatMap((name) => [name, camelCase(name)]));
  const positionals = Object.values(known).filter(({ type }) => type === "positional").length;
  const options = Object.keys(given).filter((name) => name !== "_" && !names.has(name));
  const unknown = [...options.map((name) => `--${name}`), ...given._.slice(positionals)];
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")} is not known here; --help tells what is.`);
}

const camelCase = (name: string): string => name.replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());
