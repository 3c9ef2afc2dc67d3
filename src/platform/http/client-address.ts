/**
 * The address by which a guest's requests are limited. Only `CF-Connecting-IP` is trusted: Cloudflare's edge sets it and
 * overwrites what a client sent, whereas anyone can write `X-Forwarded-For`. One household or server has a whole IPv6 /64,
 * so an IPv6 address is reduced to its /64: `2001:db8:1:2::/64`. IPv4, also mapped into IPv6, stays as it is. `unknown`
 * when the header is missing or is no address: all such requests share one limit.
 */
export function clientAddress(request: Request): string {
  return foldAddress(request.headers.get("CF-Connecting-IP") ?? "") ?? "unknown";
}

/** Null when the text is not an address. */
export function foldAddress(text: string): string | null {
  const address = text.trim().toLowerCase();
  if (parseIpv4(address)) return address;
  const groups = parseIpv6(address);
  if (!groups) return null;
  if (isMappedIpv4(groups)) return groups.slice(6).flatMap(bytesOf).join(".");
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(":")}::/64`;
}

/** RFC 4291 section 2.5.5.2: `::ffff:a.b.c.d`. */
const isMappedIpv4 = (groups: number[]): boolean =>
  groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;

const bytesOf = (group: number): number[] => [group >> 8, group & 0xff];

function parseIpv4(text: string): number[] | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  const bytes = match?.slice(1).map(Number);
  return bytes?.every((byte) => byte <= 255) ? bytes : null;
}

/** The eight groups of an address in any notation of RFC 4291 section 2.2, without zone id and brackets. */
function parseIpv6(text: string): number[] | null {
  const bare = text.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  const halves = bare.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (!head || !tail) return null;
  if (halves.length === 1) return head.length === 8 ? head : null;
  const missing = 8 - head.length - tail.length;
  return missing >= 1 ? [...head, ...Array<number>(missing).fill(0), ...tail] : null;
}

/** @param last whether an embedded IPv4 address may end these groups */
function parseGroups(text: string, last: boolean): number[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    const ipv4 = last && index === parts.length - 1 ? parseIpv4(part) : null;
    if (ipv4) {
      const [a = 0, b = 0, c = 0, d = 0] = ipv4;
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-f]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return null;
    }
  }
  return groups;
}
