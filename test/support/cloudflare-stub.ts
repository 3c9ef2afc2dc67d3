import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";

/** What wrangler asked, without the query: `POST /queues`. */
export interface StubCall {
  name: string;
  body: string;
}

type Answer = { status?: number; result?: unknown; code?: number; message?: string };

/** One account of Cloudflare as wrangler sees it, at its wire protocol: https://developers.cloudflare.com/api/. */
export class CloudflareStub {
  readonly calls: StubCall[] = [];
  readonly databases = new Map<string, { uuid: string; db: DatabaseSync }>();
  readonly namespaces: { id: string; title: string }[] = [];
  readonly queues = new Map<string, string>();
  readonly consumers: string[] = [];
  readonly secrets = new Map<string, string>();
  /** Each upload's metadata. */
  readonly uploads: Record<string, unknown>[] = [];
  /** Calls whose names begin so fail, as in an outage. */
  broken: string | null = null;

  readonly #server = createServer((request, response) => {
    this.#answer(request)
      .then(({ status = 200, result = null, code, message = "" }) => {
        response.statusCode = status;
        response.setHeader("content-type", "application/json");
        // The bucket says what it took by the hash that it was announced with.
        const bucket = /\/bucket\/(\w+)/.exec(request.url ?? "")?.[1];
        if (bucket !== undefined) response.setHeader("etag", bucket);
        const errors = code === undefined ? [] : [{ code, message }];
        const pages = { page: 1, per_page: 100, total_pages: 1, count: 1, total_count: 1 };
        response.end(
          JSON.stringify({ success: errors.length === 0, errors, messages: [], result, result_info: pages }),
        );
      })
      .catch((error: unknown) => {
        response.statusCode = 599;
        response.end(String(error));
      });
  });

  async listen(): Promise<{ CLOUDFLARE_API_BASE_URL: string }> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return { CLOUDFLARE_API_BASE_URL: `${this.origin}/client/v4` };
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString("utf8");
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://stub");
    const path = pathname.replace(/^\/client\/v4/, "").replace(/^\/accounts\/[^/]+/, "");
    const name = `${request.method} ${path}`;
    this.calls.push({ name, body });
    if (path.startsWith("/bucket/")) this.#imported = body;
    if (this.broken !== null && name.startsWith(this.broken)) {
      return { status: 500, code: 10013, message: "an unknown error has occurred" };
    }
    // wrangler asks for further pages until one is empty.
    if (request.method === "GET" && Number(searchParams.get("page") ?? 1) > 1) return { result: [] };
    return this.#route(name, body);
  }

  #route(name: string, body: string): Answer {
    const [method = "", path = ""] = name.split(" ");
    const parts = path.split("/").slice(1);
    const own = parts.join("/");
    if (own === "d1/database") return method === "POST" ? this.#makeDatabase(body) : this.#listDatabases();
    if (parts[0] === "d1" && parts[3] === "query") return this.#query(parts[2] ?? "", body);
    if (parts[0] === "d1" && parts[3] === "import") return this.#import(parts[2] ?? "", body);
    if (parts[0] === "bucket") return { result: null };
    if (own === "storage/kv/namespaces") {
      if (method === "GET") return { result: this.namespaces };
      const made = { id: hex(this.namespaces.length), title: JSON.parse(body).title };
      this.namespaces.push(made);
      return { result: made };
    }
    if (own === "queues") return method === "POST" ? this.#makeQueue(body) : { result: this.#queueList() };
    if (parts[0] === "queues" && parts[2] === "consumers") {
      if (method === "POST") this.consumers.push(body);
      return { result: method === "GET" ? [] : {} };
    }
    if (parts[0] === "workers" && parts[1] === "services") {
      return this.uploads.length === 0
        ? { status: 404, code: 10090, message: "workers.api.error.service_not_found" }
        : { result: { default_environment: { script: { last_deployed_from: "wrangler", tag: "t" } } } };
    }
    if (parts[0] === "workers" && parts[1] === "workers") {
      return {
        result: {
          id: "w",
          name: parts[2],
          subdomain: { enabled: true, previews_enabled: false },
          observability: {},
        },
      };
    }
    if (own === "workers/subdomain") return { result: { subdomain: "stub" } };
    if (parts[0] === "workers" && parts[1] === "scripts") return this.#script(method, parts.slice(3), body);
    // The deployed shop itself, as far as a smoke test asks it.
    if (own === "health/ready" || own === "api/v1/products") {
      return { status: this.uploads.length === 0 ? 503 : 200 };
    }
    if (own === "user/tokens/verify") return { result: { id: "t", status: "active" } };
    return { status: 404, code: 10000, message: `the stub has no ${name}` };
  }

  #listDatabases(): Answer {
    return { result: [...this.databases].map(([name, { uuid }]) => ({ name, uuid })) };
  }

  #makeDatabase(body: string): Answer {
    const { name } = JSON.parse(body);
    const made = { name, uuid: `${hex(this.databases.size).slice(0, 8)}-0000-4000-8000-000000000000` };
    this.databases.set(name, { uuid: made.uuid, db: new DatabaseSync(":memory:") });
    return { result: made };
  }

  #databaseOf(uuid: string): DatabaseSync {
    const found = [...this.databases.values()].find((one) => one.uuid === uuid);
    if (!found) throw new Error(`no database ${uuid}`);
    return found.db;
  }

  #query(uuid: string, body: string): Answer {
    const { sql, params = [] }: { sql: string; params?: string[] } = JSON.parse(body);
    const db = this.#databaseOf(uuid);
    // One statement may have rows; a migration has many, and none that anybody reads.
    const isOne = !sql.trim().replace(/;\s*$/, "").includes(";");
    const results = isOne ? db.prepare(sql).all(...params) : [];
    if (!isOne) db.exec(sql);
    return { result: [{ results, success: true, meta: { duration: 1 } }] };
  }

  #imported = "";

  /** A file of SQL is put into a bucket first, and then taken in. */
  #import(uuid: string, body: string): Answer {
    const { action, etag }: { action: string; etag: string } = JSON.parse(body);
    if (action === "init") {
      return {
        result: { success: true, upload_url: `${this.origin}/client/v4/bucket/${etag}`, filename: "f" },
      };
    }
    this.#databaseOf(uuid).exec(this.#imported);
    const meta = { served_by: "stub", duration: 1, changes: 1, rows_read: 1, rows_written: 1, size_after: 1 };
    return {
      result: {
        success: true,
        status: "complete",
        result: { num_queries: 1, final_bookmark: "b", meta },
        messages: [],
      },
    };
  }

  #makeQueue(body: string): Answer {
    const { queue_name: name } = JSON.parse(body);
    if (this.queues.has(name))
      return { status: 409, code: 11009, message: `Queue name '${name}' is already taken` };
    this.queues.set(name, hex(this.queues.size));
    return { result: { queue_name: name, queue_id: this.queues.get(name) } };
  }

  #queueList = () =>
    [...this.queues].map(([queue_name, queue_id]) => ({
      queue_name,
      queue_id,
      consumers: [],
      producers: [],
    }));

  #script(method: string, what: string[], body: string): Answer {
    const path = what.join("/");
    if (method === "GET" && path === "secrets") {
      return this.uploads.length === 0
        ? { status: 404, code: 10007, message: "This Worker does not exist on your account." }
        : { result: [...this.secrets.keys()].map((name) => ({ name, type: "secret_text" })) };
    }
    if (method === "GET" && path === "deployments") return { result: { deployments: [] } };
    if (method === "GET" && path === "versions") return { result: { items: [] } };
    if (method === "GET" && path === "settings") return { result: { bindings: [] } };
    if (path === "assets-upload-session") return { result: { jwt: "jwt", buckets: [] } };
    if (method === "PUT" && path === "") {
      const metadata = /name="metadata"\r\n(?:.*\r\n)*?\r\n(.*)\r\n/.exec(body)?.[1] ?? "{}";
      const upload: { bindings?: { type: string; name: string; text: string }[] } = JSON.parse(metadata);
      this.uploads.push(upload);
      for (const { type, name, text } of upload.bindings ?? []) {
        if (type === "secret_text") this.secrets.set(name, text);
      }
      return { result: { id: "holdfast", tag: "t", startup_time_ms: 1, deployment_id: "d" } };
    }
    if (path === "subdomain") return { result: { enabled: true, previews_enabled: false } };
    return { result: {} };
  }
}

const hex = (number: number): string => `${number + 1}`.padStart(32, "a");
