import { z } from "zod";

/** A client of the public API. Paths start below `/api/v1`. */
export interface Api {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>;
  /** For routes that answer 204. */
  delete(path: string): Promise<void>;
  /** All rows of a list, read page by page. */
  list<T>(path: string, schema: z.ZodType<T>): Promise<T[]>;
}

/** A response that is no success. `code` is the one of its problem. */
export class ApiFailed extends Error {
  override name = "ApiFailed";
  readonly status: number;
  readonly code: string;

  constructor(what: string, status: number, code: string, detail: string) {
    super(`${what} answered ${status} ${code}: ${detail}`);
    this.status = status;
    this.code = code;
  }
}

const problemSchema = z.object({ code: z.string(), detail: z.string(), errors: z.unknown().optional() });

/** @param send sends the requests; tests replace it */
export function createApi(
  url: string,
  token: string | null,
  send: (url: string, init: RequestInit) => Promise<Response> = fetch,
): Api {
  const call = async <T>(method: string, path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> => {
    const answer = await sendTo(url, path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw failure(`${method} ${path}`, answer.status, text);
    return schema.parse(text === "" ? undefined : JSON.parse(text));
  };

  const sendTo = async (url: string, path: string, init: RequestInit): Promise<Response> => {
    try {
      return await send(`${url}/api/v1${path}`, init);
    } catch (error) {
      // What `fetch` throws where nobody answers.
      if (!(error instanceof TypeError)) throw error;
      throw new Error(
        `No shop answers at ${url} (${causeOf(error)}): start it with npm start, or name another by --url or PORT.`,
      );
    }
  };

  const get: Api["get"] = (path, schema) => call("GET", path, schema);

  return {
    get,
    post: (path, body, schema) => call("POST", path, schema, body),
    delete: (path) => call("DELETE", path, z.void()),
    list: async (path, schema) => {
      const page = z.object({ results: z.array(schema), next_cursor: z.string().nullable() });
      const rows = [];
      let cursor: string | null = null;
      do {
        const after: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
        const read: z.infer<typeof page> = await get(`${path}?page_size=100${after}`, page);
        rows.push(...read.results);
        cursor = read.next_cursor;
      } while (cursor !== null);
      return rows;
    },
  };
}

/** Returns an access token. */
export async function signIn(url: string, email: string, password: string): Promise<string> {
  const tokens = z.object({ access_token: z.string() });
  return (await createApi(url, null).post("/auth/token", { email, password }, tokens)).access_token;
}

/** Node's `fetch` says only that it failed; why is in the cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

function failure(what: string, status: number, text: string): ApiFailed {
  const read = problemSchema.safeParse(parseJson(text));
  if (!read.success) return new ApiFailed(what, status, "unreadable", text.slice(0, 300));
  const errors = read.data.errors === undefined ? "" : ` ${JSON.stringify(read.data.errors).slice(0, 500)}`;
  return new ApiFailed(what, status, read.data.code, `${read.data.detail}${errors}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
