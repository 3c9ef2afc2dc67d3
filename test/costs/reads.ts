import { testClock } from "../support/clock.ts";
import { type Act, get, list, type Shop } from "./operations.ts";
import { BATCH, EMAIL } from "./stored.ts";

const DAY = 24 * 3_600_000;

const stamp = (daysAgo: number) => new Date(testClock.now() - daysAgo * DAY).toISOString();

const LISTS: Act[] = [
  list(() => "/categories", "guest"),
  list(() => "/products", "guest"),
  list(() => "/products?sort=price_asc", "guest"),
  list((shop) => `/products?category=${shop.categoryId}`, "guest"),
  ...["sort=newest", "sort=price_asc", "sort=price_desc"].flatMap((sort) => [
    list(() => `/products?active=false&${sort}`),
    list(() => `/products?active=all&${sort}`),
    list((shop) => `/products?active=false&category=${shop.categoryId}&${sort}`),
    list((shop) => `/products?active=all&category=${shop.categoryId}&${sort}`),
  ]),
  list(() => "/search/products?q=stored", "guest"),
  list((shop) => `/search/products?q=thing&store_id=${shop.storeIds[0]}&sort=price_asc`, "guest"),
  list(() => "/search/products?in_stock=true&sort=newest", "guest"),
  list((shop) => `/products/${shop.productIds[0]}/history`),
  list((shop) => `/stores/${shop.storeIds[0]}/inventory`, "guest"),
  list(() => "/products/low-stock"),
  list(() => "/products/out-of-stock"),
  list(() => "/inventory"),
  list(() => "/inventory?low_stock=true"),
  list(() => "/inventory?out_of_stock=true"),
  list((shop) => `/inventory?store_id=${shop.storeIds[0]}`),
  list((shop) => `/inventory?store_id=${shop.storeIds[0]}&low_stock=true`),
  list((shop) => `/inventory?store_id=${shop.storeIds[0]}&out_of_stock=true`),
  list((shop) => `/stores/${shop.storeIds[0]}/orders`),
  list(() => "/users", "admin"),
  list(() => "/tasks"),
  list(() => "/tasks?state=owed"),
  list(() => "/tasks?state=dead"),
  list(() => "/tasks?state=done"),
  list(() => "/tasks?task=restock"),
  list(() => "/tasks?state=owed&task=email"),
  list(() => "/tasks?state=done&task=email"),
  list(() => "/dead-letters"),
  list(() => "/dead-letters?task=email"),
  list(() => "/payments/events"),
  list(() => "/payments/events?state=flagged"),
  list(() => "/payments/events?state=unmatched"),
  list(() => "/emails", "admin"),
  list(() => `/emails?to=${EMAIL}`, "admin"),
  list(() => "/carts", "owner"),
];

const STATES = ["status=shipped", "payment_status=refund_due", "priority=high"];
const PLACES: ((shop: Shop) => string)[] = [
  () => `customer_email=${EMAIL}`,
  (shop) => `store_id=${shop.storeIds[0]}`,
  () => `batch_id=${BATCH}`,
  () => "q=STORED-V000000",
  () => "q=STORED-V",
  () => `q=${EMAIL.slice(0, 5)}`,
];
const TIMES = [
  () => `from=${stamp(61)}`,
  () => `to=${stamp(59.999)}`,
  () => `from=${stamp(61)}&to=${stamp(59)}`,
];

const ORDERS: Act[] = [
  list(() => "/orders"),
  list(() => "/orders", "owner"),
  ...STATES.map((filter) => list(() => `/orders?${filter}`)),
  ...PLACES.map((filter) => list((shop) => `/orders?${filter(shop)}`)),
  // By a word that few have, and by words that nearly all have.
  list(() => "/orders?q=ida%20stored11"),
  list(() => "/orders?q=ida%20stored"),
  ...TIMES.map((filter) => list(() => `/orders?${filter()}`)),
  list(() => "/orders?delayed=true"),
  list(() => "/orders/delayed"),
  list(() => "/orders?status=confirmed&payment_status=paid"),
  list(() => "/orders?status=confirmed&priority=high"),
  list(() => "/orders?payment_status=paid&priority=high"),
  list(() => "/orders?status=shipped&delayed=true"),
  ...STATES.flatMap((state) => [
    ...PLACES.map((filter) => list((shop) => `/orders?${filter(shop)}&${state}`)),
    ...TIMES.map((filter) => list(() => `/orders?${filter()}&${state}`)),
    list(() => `/orders?${state}`, "owner"),
  ]),
  ...PLACES.map((filter) => list((shop) => `/orders?${filter(shop)}&delayed=true`)),
  list((shop) => `/orders?customer_email=${EMAIL}&store_id=${shop.storeIds[0]}`),
  list((shop) => `/orders?batch_id=${BATCH}&store_id=${shop.storeIds[0]}`),
  list((shop) => `/orders?store_id=${shop.storeIds[0]}`, "owner"),
];

const PAGES: Act[] = [
  get((shop) => `/products/${shop.productIds[0]}`, "guest"),
  get((shop) => `/categories/${shop.categoryId}`, "guest"),
  get((shop) => `/stores/${shop.storeIds[0]}`, "guest"),
  get(() => "/stores", "guest"),
  get(() => "/search/suggest?q=stor", "guest"),
  get(() => "/search/suggest?q=sotred", "guest"),
  get(() => "/inventory/summary"),
  get((shop) => `/inventory/${shop.productIds[0]}`),
  get((shop) => `/inventory/${shop.productIds[0]}/transactions`),
  get((shop) => `/inventory/${shop.productIds[0]}/levels?at=${stamp(0)}`),
  get((shop) => `/orders/${shop.storedOrderId}`),
  get((shop) => `/orders/${shop.storedOrderId}/history`),
  get((shop) => `/orders/${shop.storedOrderId}/payments`),
  get(() => "/orders/statistics"),
  get(() => `/orders/statistics?from=${stamp(1)}`),
  get(() => "/reports/daily?date=2026-01-01"),
  get(() => "/jobs"),
  get(() => `/users?email=u7`, "admin"),
  get(() => "/me", "buyer"),
  get(() => "/me/sessions", "buyer"),
];

export const READS: Act[] = [...LISTS, ...ORDERS, ...PAGES];
