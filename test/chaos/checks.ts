import { env } from "cloudflare:workers";

/** What is asked of D1, and what of the answers is broken, in words. */
export interface Check {
  statements: string[];
  /** @param rows of each statement */
  broken: (rows: unknown[][]) => string[];
}

/**
 * What is broken, and before that the rows of `first`: all of it in one batch, so as of one moment. A call each took most
 * of the time of whoever looks after every step.
 */
export async function lookAt<T>(
  first: D1PreparedStatement,
  checks: Check[],
): Promise<{ rows: T[]; broken: string[] }> {
  const statements = checks.flatMap((check) =>
    check.statements.map((statement) => env.DB.prepare(statement)),
  );
  const [asked, ...answers] = await env.DB.batch([first, ...statements]);
  const broken = checks.flatMap((check) =>
    check.broken(answers.splice(0, check.statements.length).map(({ results }) => results)),
  );
  return { rows: (asked?.results ?? []) as T[], broken };
}

/** What of one check is broken now. */
export async function brokenBy(check: Check): Promise<string[]> {
  const answers = await env.DB.batch(check.statements.map((statement) => env.DB.prepare(statement)));
  return check.broken(answers.map(({ results }) => results));
}
