/** One call, as it came over the wire. */
export interface StripeCall {
  method: string;
  path: string;
  key: string | null;
  version: string | null;
  /** The form's fields, `metadata[reference]` and the like, or the query's. */
  fields: Record<string, string>;
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/**
 * Speaks as much of Stripe's wire protocol as Holdfast uses (https://docs.stripe.com/api): form-encoded POSTs with
 * Idempotency-Key semantics for PaymentIntents and refunds, and their GETs. `fetch` stands in for the network inside
 * workerd; on Node `serveStripe` puts it behind a port.
 */
export class StripeStub {
  readonly calls: StripeCall[] = [];
  /** What the network does before Stripe sees a call, or after it did its work. */
  trouble: "none" | "no connection" | "answers 500" | "loses answers" = "none";
  /** What a refund is once it is made: Stripe settles some later. */
  refundStatus: "succeeded" | "pending" | "failed" = "succeeded";
  readonly intents = new Map<string, Record<string, unknown>>();
  readonly refunds = new Map<string, Record<string, unknown>>();
  readonly #answers = new Map<string, { asked: string; answer: Answer }>();

  /** How often a key was used, repeats that were answered from it included. */
  callsUnder(key: string): number {
    return this.calls.filter((call) => call.key === key).length;
  }

  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    if (this.trouble === "no connection") throw new TypeError("Network connection lost.");
    const request = new Request(input as RequestInfo, init);
    // As bytes: workerd warns of text that is not said to be text.
    const text = new TextDecoder().decode(await request.arrayBuffer());
    const { status, body } = this.#answer(request, text);
    if (this.trouble === "loses answers") throw new TypeError("Network connection lost.");
    return Response.json(body, {
      status,
      headers: { "request-id": `req_${this.calls.length}`, "stripe-should-retry": "false" },
    });
  };

  #answer(request: Request, text: string): Answer {
    const { pathname, search, searchParams } = new URL(request.url);
    const fields = Object.fromEntries(new URLSearchParams(request.method === "GET" ? search : text));
    const key = request.headers.get("Idempotency-Key");
    this.calls.push({
      method: request.method,
      path: pathname,
      key,
      version: request.headers.get("Stripe-Version"),
      fields,
    });
    if (!/^Bearer sk_test_\w+$/.test(request.headers.get("Authorization") ?? "")) {
      return refusal(401, "invalid_request_error", "invalid_api_key", "Invalid API Key provided");
    }
    if (this.trouble === "answers 500") return refusal(500, "api_error", "internal", "Something went wrong");
    if (request.method === "GET") return this.#read(pathname, searchParams);
    if (request.headers.get("Content-Type") !== "application/x-www-form-urlencoded") {
      return refusal(400, "invalid_request_error", "content_type", "Form-encode the body");
    }
    const known = key === null ? undefined : this.#answers.get(key);
    const asked = `${pathname}?${text}`;
    if (known && known.asked !== asked) {
      return refusal(400, "idempotency_error", "idempotency_key_reused", "Keys are for the same parameters");
    }
    const answer = known?.answer ?? this.#write(pathname, fields);
    // Refusals of what was sent are not kept under a key.
    if (key !== null && answer.status === 200) this.#answers.set(key, { asked, answer });
    return answer;
  }

  /** As Stripe does after a day at least: what was made stays, and a key is new again. */
  forgetKeys(): void {
    this.#answers.clear();
  }

  #read(path: string, query: URLSearchParams): Answer {
    if (path === "/v1/refunds") return this.#listRefunds(query);
    const [, , kind, id = ""] = path.split("/");
    const found = (kind === "refunds" ? this.refunds : this.intents).get(id);
    return found ? { status: 200, body: found } : missing(id);
  }

  /** A PaymentIntent's refunds, newest first: https://docs.stripe.com/api/pagination. */
  #listRefunds(query: URLSearchParams): Answer {
    const intent = query.get("payment_intent") ?? "";
    if (!this.intents.has(intent)) return missing(intent);
    const all = [...this.refunds.values()].filter((refund) => refund.payment_intent === intent).reverse();
    const after = query.get("starting_after");
    const start = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
    const end = start + Number(query.get("limit") ?? 10);
    const data = all.slice(start, end);
    return { status: 200, body: { object: "list", url: "/v1/refunds", has_more: end < all.length, data } };
  }

  #write(path: string, fields: Record<string, string>): Answer {
    switch (path) {
      case "/v1/payment_intents":
        return this.#createIntent(fields);
      case "/v1/refunds":
        return this.#createRefund(fields);
      default:
        return /^\/v1\/payment_intents\/\w+\/cancel$/.test(path)
          ? this.#cancelIntent(path.split("/")[3] ?? "")
          : missing(path);
    }
  }

  /** https://docs.stripe.com/api/payment_intents/cancel: refused with the intent as it is, where it is beyond that. */
  #cancelIntent(id: string): Answer {
    const intent = this.intents.get(id);
    if (!intent) return missing(id);
    if (!String(intent.status).startsWith("requires_")) {
      const { status, body } = refusal(
        400,
        "invalid_request_error",
        "payment_intent_unexpected_state",
        `You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`,
      );
      return { status, body: { error: { ...(body.error as object), payment_intent: intent } } };
    }
    intent.status = "canceled";
    return { status: 200, body: intent };
  }

  #createIntent(fields: Record<string, string>): Answer {
    const amount = Number(fields.amount);
    if (!Number.isInteger(amount) || amount < 1) {
      return refusal(400, "invalid_request_error", "amount_too_small", "Amount must be at least 1");
    }
    if (/^(bhd|jod|kwd|omr|tnd)$/.test(fields.currency ?? "") && amount % 10 !== 0) {
      return refusal(400, "invalid_request_error", "invalid_amount", "The last digit must be 0");
    }
    const id = `pi_${this.intents.size + 1}`;
    const intent = {
      id,
      object: "payment_intent",
      amount,
      amount_received: 0,
      currency: fields.currency,
      status: "requires_payment_method",
      client_secret: `${id}_secret_x`,
      metadata: metadataOf(fields),
    };
    this.intents.set(id, intent);
    return { status: 200, body: intent };
  }

  #createRefund(fields: Record<string, string>): Answer {
    const intent = this.intents.get(fields.payment_intent ?? "");
    if (!intent) return missing(fields.payment_intent ?? "");
    const before = [...this.refunds.values()]
      .filter((refund) => refund.payment_intent === intent.id)
      .reduce((sum, refund) => sum + Number(refund.amount), 0);
    const amount = Number(fields.amount ?? Number(intent.amount) - before);
    if (before + amount > Number(intent.amount)) {
      return refusal(400, "invalid_request_error", "amount_too_large", "Greater than what is left");
    }
    const id = `re_${this.refunds.size + 1}`;
    const refund = {
      id,
      object: "refund",
      amount,
      currency: intent.currency,
      payment_intent: intent.id,
      status: this.refundStatus,
      metadata: metadataOf(fields),
    };
    this.refunds.set(id, refund);
    return { status: 200, body: refund };
  }
}

function metadataOf(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      const key = /^metadata\[(\w+)\]$/.exec(name)?.[1];
      return key === undefined ? [] : [[key, value]];
    }),
  );
}

const refusal = (status: number, type: string, code: string, message: string): Answer => ({
  status,
  body: { error: { type, code, message } },
});

const missing = (what: string): Answer =>
  refusal(404, "invalid_request_error", "resource_missing", `No such thing: ${what}`);
