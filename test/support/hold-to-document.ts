import { type ApiDocument, contractOf } from "./contract.ts";

let contract: ReturnType<typeof contractOf> | null = null;
/** How often each operation was looked at with each status. */
const seen = new Map<string, number>();
/** So that the suite does not read its largest answers a thousand times. */
const LOOKS = 30;

/**
 * Throws where an answer is not what the API's document says of it: a status, a code, a header or a field that is missing
 * there. So a test of any room finds what its route forgot to declare.
 * @param describe answers the document
 */
export async function holdToDocument(
  request: Pick<Request, "method" | "url">,
  answer: Response,
  describe: () => Response | Promise<Response>,
): Promise<void> {
  const { method, url } = request;
  const path = new URL(url).pathname;
  if (!path.startsWith("/api/") && path !== "/health" && path !== "/metrics") return;
  if (!contract) {
    const document = await describe();
    // Its settings are wrong on purpose: then there is no document either.
    if (document.status !== 200) return void (await document.body?.cancel());
    contract = contractOf(await document.json<ApiDocument>());
  }
  const operation = contract.find(method, path);
  if (!operation) return;
  const key = `${operation.name} ${answer.status}`;
  const times = (seen.get(key) ?? 0) + 1;
  seen.set(key, times);
  const isProblem = answer.headers.get("content-type") === "application/problem+json";
  const text = isProblem || times <= LOOKS ? await answer.clone().text() : null;
  const faults = contract.faults({ method, path, status: answer.status, headers: answer.headers, text });
  if (faults.length > 0) throw new Error(`not as the API's document says: ${faults.join("; ")}`);
}
