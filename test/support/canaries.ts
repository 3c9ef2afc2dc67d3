/** What must stand in no line of the log, no problem and no metric, as the whole suite plants it in each of its requests. */
const CANARIES: Record<string, RegExp> = {
  "a password": /correct horse|analytical engine/i,
  "a password's hash": /scrypt\$/,
  "an access token": /eyJ[\w-]{8,}\.eyJ/,
  "a refresh token": /ses_[0-9a-z]{26}\.[\w-]{20}/,
  "an API key": /hf_[\w-]{43}/,
  "a webhook's secret": /whsec_[\w+/]{16}/,
  "an order's or a cart's token": /(?<![\w.-])[\w-]{43}(?![\w-])/,
  "an e-mail address": /[\w.+-]+@[\w-]+\.example/i,
  "a postal address": /Main Street|Street 1\b/i,
};

/** The names of what a text must not have. */
export const canariesIn = (text: string): string[] =>
  Object.entries(CANARIES)
    .filter(([, pattern]) => pattern.test(text))
    .map(([what]) => what);

const leaks: string[] = [];

/** Looks at each line of the log from now on. What is found is told by `takeLeaks`. */
export function watchLog(): void {
  for (const level of ["debug", "info", "warn", "error"] as const) {
    const log = console[level].bind(console);
    console[level] = (...given: unknown[]) => {
      const line = given.map(String).join(" ");
      for (const what of canariesIn(line)) leaks.push(`${what} in the log: ${line.slice(0, 1_000)}`);
      log(...given);
    };
  }
}

/** Looks at an answer that whoever asks may read aloud: a problem, or the metrics. */
export async function watchAnswer(request: Pick<Request, "method" | "url">, answer: Response): Promise<void> {
  const isProblem = answer.headers.get("content-type") === "application/problem+json";
  if (!isProblem && new URL(request.url).pathname !== "/metrics") return;
  // A buyer gets the token of an order that fell short.
  const text = (await answer.clone().text()).replaceAll(/"access_token":"[^"]*"/g, "");
  for (const what of canariesIn(text))
    leaks.push(`${what} in the answer to ${request.method} ${request.url}: ${text}`);
}

/** What was found since the last call. */
export const takeLeaks = (): string[] => leaks.splice(0);
