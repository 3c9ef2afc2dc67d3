/**
 * Every code that a problem can have, with its status and what it means: the one list that the code is typed by, that
 * `/docs/errors` shows, and that OpenAPI takes for each operation. It knows no room and stands below all of them.
 */
export const PROBLEM_CODES = {
  // What is wrong with a request, whatever it is about.
  invalid_json: { status: 400, means: "The body is empty, no JSON, not UTF-8, or nests too deep." },
  invalid_query: {
    status: 400,
    means: "A parameter of the query, path or headers is wrong: `errors` names it.",
  },
  unknown_field: {
    status: [400, 422],
    means:
      "A field (422) or a parameter (400) is not known here; `errors` has the name that was probably meant.",
  },
  invalid_body: { status: 422, means: "A field is wrong: `errors` names each, with its rule." },
  invalid_range: { status: 422, means: "A range ends before it begins." },
  body_too_large: { status: 413, means: "The body is larger than `limit` bytes." },
  unsupported_media_type: {
    status: 415,
    means: "The body is not JSON in UTF-8, sent as `application/json`.",
  },
  method_not_allowed: {
    status: 405,
    means: "The path is there, but not with this method: `Allow` says which.",
  },
  host_not_allowed: { status: 421, means: "This host is not served here." },
  refused: { status: 400, means: "The request could not be read." },
  not_found: { status: 404, means: "It is not there, or it is not yours: nobody is told which." },
  stale: {
    status: 412,
    means: "It has changed since you read it: read it again, and send its ETag as `If-Match`.",
  },
  rate_limited: { status: 429, means: "Too many requests: try again after `Retry-After` seconds." },
  idempotency_key_reused: { status: 422, means: "This `Idempotency-Key` was used with another request." },
  invalid_idempotency_key: {
    status: 422,
    means: "The `Idempotency-Key` is not 1 to 255 visible ASCII characters; a guest's needs 16 at least.",
  },
  // Who asks.
  unauthenticated: { status: 401, means: "Sign in first." },
  invalid_token: { status: 401, means: "The access token is malformed, expired, or not ours: renew it." },
  invalid_credentials: { status: 401, means: "The e-mail address or the password is wrong." },
  invalid_refresh_token: {
    status: 401,
    means: "The refresh token is unknown, expired, used or revoked: sign in again.",
  },
  bad_signature: { status: 401, means: "The webhook's signature is missing, wrong or too old." },
  forbidden: { status: 403, means: "Your role does not allow this: `permission` names what it lacks." },
  proof_needed: {
    status: 403,
    means: "What says who may do what is restored only with the proof that the password gave.",
  },
  wrong_password: { status: 422, means: "The current password is wrong." },
  common_password: {
    status: 422,
    means: "Many people have this password, so it is tried first: take another.",
  },
  token_spent: {
    status: 422,
    means: "The token of the mail is none of ours, or expired, or was used: ask for another mail.",
  },
  email_taken: { status: 409, means: "There is an account with this e-mail address." },
  unknown_role: { status: 422, means: "There is no such role." },
  role_fixed: { status: 409, means: "Every shop has this role, and nobody changes it." },
  orders_open: {
    status: 409,
    means: "Orders of this customer are still on their way: `orders` says how many.",
  },
  not_a_customer: { status: 409, means: "This is one of the shop's people, and no customer." },
  too_many_addresses: { status: 409, means: "An address book is full: `max` says how many it has." },
  role_in_use: { status: 409, means: "Somebody has this role: `users` says how many." },
  last_admin: { status: 409, means: "This is the last admin: a shop needs one." },
  // A part of the shop is away. Nothing is lost: the same request may be sent again.
  unavailable: {
    status: 503,
    means: "A part of the shop is away for a moment: send the same request again.",
  },
  try_again: {
    status: 503,
    means: "Too much happened at once, and nothing was done: send the same request again.",
  },
  overloaded: {
    status: 503,
    means: "Too many orders arrive at once, and nothing was ordered: send it again soon.",
  },
  outcome_unknown: {
    status: 503,
    means:
      "Whether it was done is not known yet: look it up, or send the same request under its `Idempotency-Key`.",
  },
  restoring: { status: 503, means: "A backup is being restored: send the same request again later." },
  selling_stopped: {
    status: 503,
    means: "The shop takes no orders just now: send the same request again later.",
  },
  identity_provider_unavailable: {
    status: 503,
    means:
      "The server that gave this token cannot be asked for its keys just now: send the same request again.",
  },
  provider_unavailable: {
    status: 503,
    means: "The payment provider cannot be reached: send the same request again.",
  },
  misconfigured: { status: 503, means: "A setting of the shop is wrong: `errors` names it." },
  internal_error: { status: 500, means: "Something broke here. Tell us the `request_id`." },
  // Catalogue and stock.
  name_taken: { status: 409, means: "Another category, store or role has this name." },
  category_in_use: { status: 409, means: "Products are in this category, so it cannot be deleted." },
  sku_taken: { status: 409, means: "Another product has this SKU." },
  contended: {
    status: 503,
    means: "Others change it at this moment, and nothing was done: send the same request again.",
  },
  query_too_short: { status: 400, means: "The text to search for is too short." },
  unknown_category: { status: 422, means: "There is no such category." },
  unknown_store: { status: 422, means: "There is no such store." },
  unknown_product: { status: 422, means: "A product is not there, or is archived: `errors` names it." },
  stock_reserved: {
    status: 409,
    means: "More units are reserved than would be left: `errors` has the numbers.",
  },
  too_many: { status: 409, means: "A store cannot have that many units on hand of one product." },
  // Orders and carts.
  insufficient_stock: {
    status: 409,
    means: "There is not enough stock, so nothing is held: `errors` says of each item what was free.",
  },
  not_chargeable: {
    status: 422,
    means: "The shop's payment provider cannot charge this total by card: `detail` says why.",
  },
  payment_method_not_allowed: {
    status: 422,
    means: "The shop does not take this payment method from this buyer: `allowed` has those that it takes.",
  },
  too_many_units: {
    status: 422,
    means: "More of a product than one order may have: `errors` says how many may.",
  },
  too_many_unpaid: {
    status: 409,
    means:
      "Units in orders of this e-mail or network address that wait for their payment: `max` says how many may. Nothing is held.",
  },
  price_changed: { status: 409, means: "The total is not what was expected: `total` is what it is." },
  customer_required: { status: 422, means: "A guest's order needs a customer with name and e-mail address." },
  mixed_currencies: { status: 422, means: "All items must have one currency." },
  total_too_large: { status: 422, means: "The total is larger than can be counted exactly." },
  cart_empty: { status: 422, means: "The cart is empty." },
  cart_spent: { status: 409, means: "The cart was ordered already: `order` says as which." },
  cart_changed: {
    status: 409,
    means: "The cart changed while it was checked out, and nothing was ordered: look at it again.",
  },
  too_many_items: { status: 422, means: "A cart has at most 100 different products." },
  too_many_products: { status: 422, means: "A bulk names too many different products: send it in parts." },
  not_all_placed: {
    status: 409,
    means: "Not all of these orders could be placed, so none was: `results` says why.",
  },
  others_not_placed: {
    status: 409,
    means: "Of a bulk of all or none: another order of it could not be placed.",
  },
  details_fixed: {
    status: 409,
    means: "Something of the order has shipped, or it is being packed: its address, customer and notes stay.",
  },
  country_fixed: {
    status: 409,
    means: "Shipping, tax or duty were charged for the country, so the address stays in it.",
  },
  not_cancellable: {
    status: 409,
    means: "An order of this status, or of which a part has shipped, cannot be cancelled.",
  },
  illegal_transition: {
    status: 409,
    means: "The order cannot take this step now: `allowed` has those that it can.",
  },
  not_shippable: { status: 409, means: "An order of this status cannot be shipped." },
  nothing_left: { status: 409, means: "Nothing is left to ship there." },
  more_than_left: { status: 409, means: "More than is left to ship." },
  not_allocated: { status: 422, means: "The store holds nothing for this order." },
  refunded: {
    status: 409,
    means: "What would leave was refunded: ship it with `force`, or close the order.",
  },
  not_closable: {
    status: 409,
    means: "Only what is left of an order that has shipped in part can be closed.",
  },
  not_returnable: { status: 409, means: "Nothing can come back of an order that has not shipped." },
  more_than_shipped: { status: 409, means: "More than was shipped and has not come back." },
  unknown_item: { status: 422, means: "The product is not an item of this order." },
  // Payments.
  already_paid: { status: 409, means: "This order is paid already." },
  nothing_to_pay: { status: 409, means: "This order costs nothing." },
  not_payable: { status: 409, means: "There is nothing to be paid for this order, or no longer." },
  provider_refused: {
    status: 409,
    means: "The payment provider does not take this payment: `reason` says why.",
  },
  refund_exceeds_captured: {
    status: 409,
    means: "More than is left of what was captured: `left` is what is left.",
  },
  already_refunded: { status: 409, means: "More units than were ordered and not refunded." },
  event_not_flagged: {
    status: 409,
    means: "The payment event does not wait for a person: `state` is where it is.",
  },
  nothing_to_give_back: { status: 409, means: "Nothing was taken by this payment event that could go back." },
  // Operations.
  local_only: { status: 403, means: "This is for shops on the developer's own machine." },
  future_date: { status: 422, means: "The day has not begun." },
  not_dead: { status: 409, means: "The task is not dead: it is owed, under way or done." },
  not_retryable: { status: 409, means: "No task is known of this message: it can only be dropped." },
  task_is_critical: {
    status: 409,
    means: "Stock or money hangs on this task: it can be retried, but not given up.",
  },
  already_begun: { status: 409, means: "The task has been begun." },
  already_done: { status: 409, means: "The task is done." },
  not_restoring: { status: 409, means: "The shop is not being restored: close it for a restore first." },
  restore_superseded: {
    status: 409,
    means: "Another restore has begun since: this one changes nothing any more.",
  },
  restore_under_way: {
    status: 409,
    means: "A backup is being restored: to give that up, name its generation.",
  },
  restore_not_begun: {
    status: 409,
    means: "This restore has not emptied the stock object, or has loaded it already.",
  },
  stock_restored: {
    status: 409,
    means: "A restore came between the pages of a backup: begin the backup again.",
  },
} as const satisfies Record<string, { status: number | readonly number[]; means: string }>;

export type ProblemCode = keyof typeof PROBLEM_CODES;

/** Every code that a fault of one field can have, in `errors` of a problem. */
export const FIELD_CODES = {
  invalid_type: "It is of another type, or missing.",
  invalid_value: "It is none of the values that it may have.",
  invalid_format: "It has not the form that it must have.",
  invalid_union: "It has none of the forms that it may have.",
  invalid_key: "A name inside of it is not allowed.",
  invalid_element: "Something inside of it is wrong.",
  too_small: "It is too small, too short, or has too few items.",
  too_big: "It is too large, too long, or has too many items.",
  not_multiple_of: "It is not a multiple of what it must be.",
  custom: "It breaks a rule of its own, which `message` says.",
  unrecognized_keys: "It has a field that is not known.",
  unknown_field: "It is not known here; `did_you_mean` has the nearest name.",
  repeated: "It is given more than once.",
  required: "It is required for something new.",
  no_body: "No body is taken here.",
  invalid_json: "It is not JSON.",
  invalid_characters:
    "It holds U+0000 or half of a surrogate pair, controls, or characters that nobody sees.",
  invalid_range: "It ends before it begins.",
  invalid_amount: "It is no amount of this currency, or not one that is possible here.",
  wrong_currency: "It is in another currency than the payment.",
  invalid_cursor: "It is no cursor of this list.",
  undated: "The table does not say when its rows changed.",
  unfit: "The rows do not fit their table.",
  invalid_event: "It is no event of this provider.",
  duplicate_sku: "Another line of the request has this SKU.",
  stock_unavailable: "The stock could not be set just now.",
  unknown_order: "It names no order.",
  costs_nothing: "These units cost nothing.",
  given_back: "This payment never counted for its order.",
} as const;

/** Some problems are about one field, and say their own code there too. */
export type FieldCode = keyof typeof FIELD_CODES | ProblemCode;

type StatusIn<S> = S extends readonly (infer One)[] ? One : S;

/** The statuses that a code comes with, as a type. */
export type StatusOf<C extends ProblemCode> = StatusIn<(typeof PROBLEM_CODES)[C]["status"]> & number;

/** The statuses that a code comes with. */
export const statusesOf = (code: ProblemCode): readonly number[] => [PROBLEM_CODES[code].status].flat();
