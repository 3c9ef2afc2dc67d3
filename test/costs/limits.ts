/** The most that an operation may cost. */
export interface Limit {
  /** Round trips to D1. */
  calls: number;
  statements: number;
  /** Rows, by D1's own count; of a list without what it reads to count how many there are. */
  read: number;
  written: number;
  /** No index answers all that it asks for: it looks through some that do not match, so its reads differ with them. */
  filters: boolean;
}

/**
 * Pages are of five; `… by cursor` is the second page of the list before it. What costs less passes: write down here what it
 * costs from now on, as the test prints it. `~` is `filters`, which a bound elsewhere stops: SCAN_LIMIT_ROWS of
 * src/platform/read-page.ts, MAX_WALK of src/orders/read/find-by-text.ts, those of a search, and for a reconciliation the orders that are under way. Of an order that
 * somebody has paid, each list and page also reads its payments and refunds, some four rows: to say what was refunded and
 * kept, which nothing stores a second time.
 */
const TABLE = `
 calls | stmt |  read | written | operation
     2 |    3 |     7 |       0 | GET /categories, guest
     1 |    1 |     7 |       0 | … by cursor /categories, guest
      2 |    2 |    32 |       0 | GET /products, guest
      1 |    1 |    31 |       0 | … by cursor /products, guest
      2 |    2 |    32 |       0 | GET /products?sort=price_asc, guest
      1 |    1 |    31 |       0 | … by cursor /products?sort=price_asc, guest
      2 |    2 |    34 |       0 | GET /products?category={category}, guest
      1 |    1 |    32 |       0 | … by cursor /products?category={category}, guest
     1 |    3 |    12 |       0 | GET /products?active=false&sort=newest
     1 |    2 |    13 |       0 | … by cursor /products?active=false&sort=newest
     1 |    3 |    12 |       0 | GET /products?active=all&sort=newest
     1 |    2 |    13 |       0 | … by cursor /products?active=all&sort=newest
     1 |    4 |     8 |       0 | GET /products?active=false&category={category}&sort=newest
     1 |    3 |     9 |       0 | … by cursor /products?active=false&category={category}&sort=newest
     1 |    4 |     8 |       0 | GET /products?active=all&category={category}&sort=newest
     1 |    3 |     9 |       0 | … by cursor /products?active=all&category={category}&sort=newest
     1 |    3 |    12 |       0 | GET /products?active=false&sort=price_asc
     1 |    2 |    13 |       0 | … by cursor /products?active=false&sort=price_asc
     1 |    3 |    12 |       0 | GET /products?active=all&sort=price_asc
     1 |    2 |    13 |       0 | … by cursor /products?active=all&sort=price_asc
     1 |    4 |     8 |       0 | GET /products?active=false&category={category}&sort=price_asc
     1 |    3 |     9 |       0 | … by cursor /products?active=false&category={category}&sort=price_asc
     1 |    4 |     8 |       0 | GET /products?active=all&category={category}&sort=price_asc
     1 |    3 |     9 |       0 | … by cursor /products?active=all&category={category}&sort=price_asc
     1 |    3 |    12 |       0 | GET /products?active=false&sort=price_desc
     1 |    2 |    13 |       0 | … by cursor /products?active=false&sort=price_desc
     1 |    3 |    12 |       0 | GET /products?active=all&sort=price_desc
     1 |    2 |    13 |       0 | … by cursor /products?active=all&sort=price_desc
     1 |    4 |     8 |       0 | GET /products?active=false&category={category}&sort=price_desc
     1 |    3 |     9 |       0 | … by cursor /products?active=false&category={category}&sort=price_desc
     1 |    4 |     8 |       0 | GET /products?active=all&category={category}&sort=price_desc
     1 |    3 |     9 |       0 | … by cursor /products?active=all&category={category}&sort=price_desc
~    2 |    2 | 15433 |       0 | GET /search/products?q=stored, guest
~    1 |    1 | 13029 |       0 | … by cursor /search/products?q=stored, guest
~    3 |    3 | 12039 |       0 | GET /search/products?q=thing&store_id={store}&sort=price_asc, guest
~    2 |    2 | 12022 |       0 | … by cursor /search/products?q=thing&store_id={store}&sort=price_asc, guest
      2 |    2 |    32 |       0 | GET /search/products?in_stock=true&sort=newest, guest
      1 |    1 |    31 |       0 | … by cursor /search/products?in_stock=true&sort=newest, guest
     1 |    4 |     7 |       0 | GET /products/{product}/history
     1 |    3 |     8 |       0 | … by cursor /products/{product}/history
      1 |    2 |    26 |       0 | GET /stores/{store}/inventory, guest
      1 |    2 |    28 |       0 | … by cursor /stores/{store}/inventory, guest
     1 |    3 |    19 |       0 | GET /products/low-stock
     1 |    2 |    19 |       0 | … by cursor /products/low-stock
     1 |    3 |    19 |       0 | GET /products/out-of-stock
     1 |    2 |    19 |       0 | … by cursor /products/out-of-stock
     1 |    4 |    18 |       0 | GET /inventory
     1 |    3 |    19 |       0 | … by cursor /inventory
     1 |    4 |    18 |       0 | GET /inventory?low_stock=true
     1 |    3 |    19 |       0 | … by cursor /inventory?low_stock=true
     1 |    4 |    18 |       0 | GET /inventory?out_of_stock=true
     1 |    3 |    19 |       0 | … by cursor /inventory?out_of_stock=true
     1 |    5 |    18 |       0 | GET /inventory?store_id={store}
     1 |    4 |    19 |       0 | … by cursor /inventory?store_id={store}
     1 |    5 |    18 |       0 | GET /inventory?store_id={store}&low_stock=true
     1 |    4 |    19 |       0 | … by cursor /inventory?store_id={store}&low_stock=true
     1 |    5 |    18 |       0 | GET /inventory?store_id={store}&out_of_stock=true
     1 |    4 |    19 |       0 | … by cursor /inventory?store_id={store}&out_of_stock=true
     1 |    4 |    13 |       0 | GET /stores/{store}/orders
     1 |    3 |    13 |       0 | … by cursor /stores/{store}/orders
     1 |    3 |     6 |       0 | GET /users, admin
     1 |    3 |     6 |       0 | … by cursor /users, admin
     1 |    3 |     6 |       0 | GET /tasks
     1 |    2 |     7 |       0 | … by cursor /tasks
     1 |    3 |     6 |       0 | GET /tasks?state=owed
     1 |    2 |     7 |       0 | … by cursor /tasks?state=owed
     1 |    3 |     6 |       0 | GET /tasks?state=dead
     1 |    2 |     7 |       0 | … by cursor /tasks?state=dead
     1 |    4 |     6 |       0 | GET /tasks?state=done
     1 |    3 |     6 |       0 | … by cursor /tasks?state=done
~    1 |    4 |   900 |       0 | GET /tasks?task=restock
     1 |    3 |    19 |       0 | … by cursor /tasks?task=restock
     1 |    4 |    18 |       0 | GET /tasks?state=owed&task=email
     1 |    3 |    19 |       0 | … by cursor /tasks?state=owed&task=email
     1 |    4 |    17 |       0 | GET /tasks?state=done&task=email
     1 |    3 |     7 |       0 | … by cursor /tasks?state=done&task=email
     1 |    3 |     6 |       0 | GET /dead-letters
     1 |    2 |     7 |       0 | … by cursor /dead-letters
     1 |    4 |    18 |       0 | GET /dead-letters?task=email
     1 |    3 |    19 |       0 | … by cursor /dead-letters?task=email
     1 |    3 |    12 |       0 | GET /payments/events
     1 |    2 |    13 |       0 | … by cursor /payments/events
     1 |    3 |    12 |       0 | GET /payments/events?state=flagged
     1 |    2 |    13 |       0 | … by cursor /payments/events?state=flagged
     1 |    3 |    12 |       0 | GET /payments/events?state=unmatched
     1 |    2 |    13 |       0 | … by cursor /payments/events?state=unmatched
     1 |    3 |     6 |       0 | GET /emails, admin
     1 |    2 |     6 |       0 | … by cursor /emails, admin
~    1 |    4 |   608 |       0 | GET /emails?to=ida@shop.example, admin
     1 |    3 |     6 |       0 | … by cursor /emails?to=ida@shop.example, admin
     1 |    2 |    18 |       0 | GET /carts, owner
     1 |    1 |    19 |       0 | … by cursor /carts, owner
     1 |    3 |    51 |       0 | GET /orders
     1 |    2 |    48 |       0 | … by cursor /orders
     1 |    2 |    56 |       0 | GET /orders, owner
     1 |    1 |    61 |       0 | … by cursor /orders, owner
     1 |    3 |   164 |       0 | GET /orders?status=shipped
     1 |    2 |   158 |       0 | … by cursor /orders?status=shipped
     1 |    3 |   193 |       0 | GET /orders?payment_status=refund_due
     1 |    2 |   193 |       0 | … by cursor /orders?payment_status=refund_due
     1 |    3 |   319 |       0 | GET /orders?priority=high
     1 |    2 |   316 |       0 | … by cursor /orders?priority=high
     1 |    3 |    48 |       0 | GET /orders?customer_email=ida@shop.example
     1 |    2 |    61 |       0 | … by cursor /orders?customer_email=ida@shop.example
     1 |    4 |    54 |       0 | GET /orders?store_id={store}
     1 |    3 |    66 |       0 | … by cursor /orders?store_id={store}
     1 |    3 |    52 |       0 | GET /orders?batch_id=bat_1
     1 |    2 |    61 |       0 | … by cursor /orders?batch_id=bat_1
     2 |    8 |  1445 |       0 | GET /orders?q=STORED-V000000
     2 |    7 |  1445 |       0 | … by cursor /orders?q=STORED-V000000
~    2 |    8 |  2373 |       0 | GET /orders?q=STORED-V
     2 |    7 |  1565 |       0 | … by cursor /orders?q=STORED-V
~    2 |    5 |  1369 |       0 | GET /orders?q=ida@s
     2 |    4 |   561 |       0 | … by cursor /orders?q=ida@s
     2 |    7 |  1607 |       0 | GET /orders?q=ida%20stored11
     2 |    6 |  1619 |       0 | … by cursor /orders?q=ida%20stored11
~    3 |    9 |  3875 |       0 | GET /orders?q=ida%20stored
     3 |    8 |  3067 |       0 | … by cursor /orders?q=ida%20stored
     1 |    3 |   876 |       0 | GET /orders?from={stamp}
     1 |    2 |   870 |       0 | … by cursor /orders?from={stamp}
     1 |    3 |   743 |       0 | GET /orders?to={stamp}
     1 |    2 |   745 |       0 | … by cursor /orders?to={stamp}
     1 |    3 |   881 |       0 | GET /orders?from={stamp}&to={stamp}
     1 |    2 |   892 |       0 | … by cursor /orders?from={stamp}&to={stamp}
     1 |    3 |   299 |       0 | GET /orders?delayed=true
     1 |    2 |   319 |       0 | … by cursor /orders?delayed=true
     1 |    3 |    46 |       0 | GET /orders/delayed
     1 |    2 |    59 |       0 | … by cursor /orders/delayed
     1 |    3 |    89 |       0 | GET /orders?status=confirmed&payment_status=paid
     1 |    2 |    92 |       0 | … by cursor /orders?status=confirmed&payment_status=paid
     1 |    3 |   107 |       0 | GET /orders?status=confirmed&priority=high
     1 |    2 |   103 |       0 | … by cursor /orders?status=confirmed&priority=high
     1 |    3 |   125 |       0 | GET /orders?payment_status=paid&priority=high
     1 |    2 |   124 |       0 | … by cursor /orders?payment_status=paid&priority=high
     1 |    3 |   164 |       0 | GET /orders?status=shipped&delayed=true
     1 |    2 |   162 |       0 | … by cursor /orders?status=shipped&delayed=true
     1 |    4 |   100 |       0 | GET /orders?customer_email=ida@shop.example&status=shipped
     1 |    3 |    97 |       0 | … by cursor /orders?customer_email=ida@shop.example&status=shipped
     1 |    5 |   154 |       0 | GET /orders?store_id={store}&status=shipped
     1 |    4 |   150 |       0 | … by cursor /orders?store_id={store}&status=shipped
     1 |    4 |    96 |       0 | GET /orders?batch_id=bat_1&status=shipped
     1 |    3 |    97 |       0 | … by cursor /orders?batch_id=bat_1&status=shipped
     2 |    8 |  1499 |       0 | GET /orders?q=STORED-V000000&status=shipped
     2 |    7 |  1501 |       0 | … by cursor /orders?q=STORED-V000000&status=shipped
~    2 |    8 |  2425 |       0 | GET /orders?q=STORED-V&status=shipped
     2 |    7 |  1601 |       0 | … by cursor /orders?q=STORED-V&status=shipped
~    2 |    5 |  1421 |       0 | GET /orders?q=ida@s&status=shipped
     2 |    4 |   597 |       0 | … by cursor /orders?q=ida@s&status=shipped
     1 |    3 |   164 |       0 | GET /orders?from={stamp}&status=shipped
     1 |    2 |   158 |       0 | … by cursor /orders?from={stamp}&status=shipped
     1 |    3 |   114 |       0 | GET /orders?to={stamp}&status=shipped
     1 |    2 |   107 |       0 | … by cursor /orders?to={stamp}&status=shipped
     1 |    3 |   164 |       0 | GET /orders?from={stamp}&to={stamp}&status=shipped
     1 |    2 |   162 |       0 | … by cursor /orders?from={stamp}&to={stamp}&status=shipped
     1 |    3 |   100 |       0 | GET /orders?status=shipped, owner
     1 |    2 |   101 |       0 | … by cursor /orders?status=shipped, owner
     1 |    4 |   114 |       0 | GET /orders?customer_email=ida@shop.example&payment_status=refund_due
     1 |    3 |   115 |       0 | … by cursor /orders?customer_email=ida@shop.example&payment_status=refund_due
     1 |    5 |   174 |       0 | GET /orders?store_id={store}&payment_status=refund_due
     1 |    4 |   174 |       0 | … by cursor /orders?store_id={store}&payment_status=refund_due
     1 |    4 |    98 |       0 | GET /orders?batch_id=bat_1&payment_status=refund_due
     1 |    3 |    88 |       0 | … by cursor /orders?batch_id=bat_1&payment_status=refund_due
     2 |    8 |  1519 |       0 | GET /orders?q=STORED-V000000&payment_status=refund_due
     2 |    7 |  1491 |       0 | … by cursor /orders?q=STORED-V000000&payment_status=refund_due
~    2 |    8 |  2406 |       0 | GET /orders?q=STORED-V&payment_status=refund_due
     2 |    7 |  1619 |       0 | … by cursor /orders?q=STORED-V&payment_status=refund_due
~    2 |    5 |  1402 |       0 | GET /orders?q=ida@s&payment_status=refund_due
     2 |    4 |   615 |       0 | … by cursor /orders?q=ida@s&payment_status=refund_due
     1 |    3 |   193 |       0 | GET /orders?from={stamp}&payment_status=refund_due
     1 |    2 |   193 |       0 | … by cursor /orders?from={stamp}&payment_status=refund_due
     1 |    3 |   132 |       0 | GET /orders?to={stamp}&payment_status=refund_due
     1 |    2 |   107 |       0 | … by cursor /orders?to={stamp}&payment_status=refund_due
     1 |    3 |   194 |       0 | GET /orders?from={stamp}&to={stamp}&payment_status=refund_due
     1 |    2 |   195 |       0 | … by cursor /orders?from={stamp}&to={stamp}&payment_status=refund_due
     1 |    3 |    97 |       0 | GET /orders?payment_status=refund_due, owner
     1 |    2 |   115 |       0 | … by cursor /orders?payment_status=refund_due, owner
     1 |    4 |   174 |       0 | GET /orders?customer_email=ida@shop.example&priority=high
     1 |    3 |    61 |       0 | … by cursor /orders?customer_email=ida@shop.example&priority=high
     1 |    5 |   306 |       0 | GET /orders?store_id={store}&priority=high
     1 |    4 |    66 |       0 | … by cursor /orders?store_id={store}&priority=high
     1 |    4 |   115 |       0 | GET /orders?batch_id=bat_1&priority=high
     1 |    3 |    61 |       0 | … by cursor /orders?batch_id=bat_1&priority=high
     2 |    8 |  1445 |       0 | GET /orders?q=STORED-V000000&priority=high
     2 |    7 |  1445 |       0 | … by cursor /orders?q=STORED-V000000&priority=high
~    2 |    8 |  2499 |       0 | GET /orders?q=STORED-V&priority=high
     2 |    7 |  1565 |       0 | … by cursor /orders?q=STORED-V&priority=high
~    2 |    5 |  1495 |       0 | GET /orders?q=ida@s&priority=high
     2 |    4 |   561 |       0 | … by cursor /orders?q=ida@s&priority=high
     1 |    3 |   319 |       0 | GET /orders?from={stamp}&priority=high
     1 |    2 |   316 |       0 | … by cursor /orders?from={stamp}&priority=high
     1 |    3 |   231 |       0 | GET /orders?to={stamp}&priority=high
     1 |    2 |   233 |       0 | … by cursor /orders?to={stamp}&priority=high
     1 |    3 |   319 |       0 | GET /orders?from={stamp}&to={stamp}&priority=high
     1 |    2 |   320 |       0 | … by cursor /orders?from={stamp}&to={stamp}&priority=high
     1 |    3 |   119 |       0 | GET /orders?priority=high, owner
     1 |    2 |    61 |       0 | … by cursor /orders?priority=high, owner
     1 |    4 |    64 |       0 | GET /orders?customer_email=ida@shop.example&delayed=true
     1 |    3 |    73 |       0 | … by cursor /orders?customer_email=ida@shop.example&delayed=true
     1 |    5 |    82 |       0 | GET /orders?store_id={store}&delayed=true
     1 |    4 |    90 |       0 | … by cursor /orders?store_id={store}&delayed=true
     1 |    4 |    65 |       0 | GET /orders?batch_id=bat_1&delayed=true
     1 |    3 |    65 |       0 | … by cursor /orders?batch_id=bat_1&delayed=true
     2 |    8 |  1465 |       0 | GET /orders?q=STORED-V000000&delayed=true
     2 |    7 |  1457 |       0 | … by cursor /orders?q=STORED-V000000&delayed=true
~    2 |    8 |  2389 |       0 | GET /orders?q=STORED-V&delayed=true
     2 |    7 |  1577 |       0 | … by cursor /orders?q=STORED-V&delayed=true
~    2 |    5 |  1385 |       0 | GET /orders?q=ida@s&delayed=true
     2 |    4 |   573 |       0 | … by cursor /orders?q=ida@s&delayed=true
     1 |    5 |    54 |       0 | GET /orders?customer_email=ida@shop.example&store_id={store}
     1 |    4 |    67 |       0 | … by cursor /orders?customer_email=ida@shop.example&store_id={store}
     1 |    5 |    58 |       0 | GET /orders?batch_id=bat_1&store_id={store}
     1 |    4 |    67 |       0 | … by cursor /orders?batch_id=bat_1&store_id={store}
     1 |    4 |    62 |       0 | GET /orders?store_id={store}, owner
     1 |    3 |    67 |       0 | … by cursor /orders?store_id={store}, owner
     1 |    1 |     2 |       0 | GET /products/{product}, guest
     2 |    2 |     2 |       0 | GET /categories/{category}, guest
     2 |    2 |     2 |       0 | GET /stores/{store}, guest
     2 |    3 |     4 |       0 | GET /stores, guest
     2 |    3 |  1199 |       0 | GET /search/suggest?q=stor, guest
     4 |    5 |   612 |       0 | GET /search/suggest?q=sotred, guest
     1 |    3 |     4 |       0 | GET /inventory/summary
     1 |    2 |     2 |       0 | GET /inventory/{product}
     1 |    2 |     2 |       0 | GET /inventory/{product}/transactions
     1 |    2 |     2 |       0 | GET /inventory/{product}/levels?at={stamp}
     3 |    5 |    11 |       0 | GET /orders/{order}
     2 |    4 |     6 |       0 | GET /orders/{order}/history
     2 |    4 |    10 |       0 | GET /orders/{order}/payments
     1 |    6 |    30 |       0 | GET /orders/statistics
     1 |    6 |    13 |       0 | GET /orders/statistics?from={stamp}
     2 |    5 |     7 |       0 | GET /reports/daily?date=2026-01-01
     1 |    2 |    22 |       0 | GET /jobs
     1 |    3 |     1 |       0 | GET /users?email=u7, admin
     2 |    2 |     1 |       0 | GET /me, buyer
     1 |    3 |     3 |       0 | GET /me/sessions, buyer
     2 |    2 |     0 |       3 | cart made
     2 |    5 |    11 |       3 | cart item put
      2 |    5 |    16 |       3 | cart item put again
      2 |    5 |    24 |       4 | cart items put
     1 |    1 |     6 |       0 | cart read
     3 |   17 |    44 |      21 | cart checked out
     2 |   11 |    36 |      17 | order of two, invoice
     2 |   10 |    30 |      13 | order of two, card
     2 |   11 |    49 |      18 | order of two, signed in
      2 |   14 |    56 |      19 | order of two, lists and all
     2 |   14 |    57 |      21 | order of two, with a key
     1 |    5 |    26 |       0 | order of two, replayed
     3 |   14 |  2719 |    1902 | bulk of 100
     3 |    5 |     7 |       0 | order read
     2 |    3 |     3 |       2 | order's link asked for
     3 |   11 |    61 |      11 | order's details changed
     3 |   10 |    56 |      13 | order processed
     4 |   14 |    59 |      18 | order shipped in part
     4 |   13 |    85 |      21 | order closed
     3 |   10 |    59 |      12 | order delivered
     6 |   16 |    80 |      22 | order returned
     4 |   13 |    77 |      21 | order cancelled
~    4 |    8 |  9200 |       0 | one product reconciled
     2 |    4 |     4 |       5 | stock adjusted
     3 |   12 |    39 |      30 | product made
     3 |   11 |    46 |      19 | product repriced
     3 |   11 |    58 |      18 | product retitled
     3 |   11 |   667 |     562 | products, a bulk of 20
     3 |   11 |    53 |      27 | product archived
     2 |    6 |     4 |      13 | category made
     2 |    6 |     4 |       9 | category deleted
     3 |    7 |     8 |      10 | registered
     3 |   12 |    29 |       8 | signed in with a cart
     2 |    3 |     2 |       2 | new password asked for
     2 |    6 |    13 |       4 | tokens refreshed
     3 |    3 |     2 |       1 | a session ended
     3 |    4 |    10 |       3 | new password set by a mail
     3 |    7 |    10 |       5 | payment opened
     1 |    5 |     7 |       7 | payment, received
     4 |   19 |    80 |      23 | payment, worked off
     2 |    4 |     8 |       0 | payments listed
     3 |   16 |   102 |      30 | payment refunded
     6 |   16 |    60 |      11 | refund sent
     2 |    8 |    75 |      28 | job expire-unpaid, of one
     4 |    6 |    35 |       6 | follow of an expired order
     1 |    5 |     7 |       7 | late payment, received
     6 |   31 |   106 |      29 | late payment, worked off
     4 |    5 |    24 |       6 | order confirmation sent
     3 |    3 |    17 |       3 | follow
     1 |    5 |     6 |       1 | hold asks
     1 |    1 |     3 |       0 | work settled
     1 |    3 |    13 |       3 | stock report applied
    12 |   20 |   100 |      18 | a minute with nothing to do
     1 |    3 |    11 |       0 | job low-stock-notice
      3 |    7 |    18 |       2 | job daily-report
    11 |   13 |  2023 |       0 | job clean-up
`;

export const LIMITS: ReadonlyMap<string, Limit> = new Map(
  TABLE.trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [calls = "", statements = "", read = "", written = "", name = ""] = line.split(" | ");
      const limit = {
        calls: Number(calls.replace("~", "")),
        statements: Number(statements),
        read: Number(read),
        written: Number(written),
        filters: calls.startsWith("~"),
      };
      return [name.trim(), limit];
    }),
);
