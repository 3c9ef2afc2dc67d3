/** As many orders as one address may send in a minute as shipped, less one for what the bench asks beside its load. */
export const ORDERS_OF_AN_ADDRESS = 4;
/** So many addresses that none comes again within a minute, at up to 4,000 orders a second. */
export const ADDRESSES = 65_536;

/** From where the n-th request comes, so that no guest is limited: the edge's header, which a shop on this machine believes. */
export function addressOf(turn: number): string {
  const place = Math.floor(turn / ORDERS_OF_AN_ADDRESS) % ADDRESSES;
  return `10.0.${place >> 8}.${place & 255}`;
}

export const ADDRESS_HEADER = "CF-Connecting-IP";

let asked = 0;

/** For what the bench asks beside its load: an address for each request. */
export const nextAddress = (): string => `10.1.${asked >> 8}.${asked++ & 255}`;
