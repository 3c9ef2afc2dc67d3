import { keyRing } from "../../accounts/keys.ts";
import type { Context } from "../../platform/context.ts";
import { seal, sealingKey, unseal } from "../../platform/sealed.ts";

/**
 * A stored answer holds its guest's token encrypted, by a key that is derived from the shop's signing keys and stands in no
 * table: whoever reads the database or a backup cannot use it. An answer's token is sealed on its way to D1 and opened on its
 * way back. Where that cannot be, since the signing key is another one by now, the answer is repeated without it.
 */
const FIELD = '"access_token":"';
const MARK = "sealed.";

type Settings = Pick<Context, "settings">;

/** The answer as it is stored. @param token the one in it */
export async function sealToken(context: Settings, body: string, token: string): Promise<string> {
  const [newest] = await sealingKeys(context);
  if (!newest) return body.replace(`,${FIELD}${token}"`, "");
  const sealed = await seal(newest, token);
  return body.replace(`${FIELD}${token}"`, `${FIELD}${MARK}${sealed}"`);
}

/** Rows as they were read, with the answers in them as they were first given. */
export const openTokens = <Row extends { body: string | null }>(
  context: Settings,
  rows: Row[],
): Promise<Row[]> =>
  Promise.all(
    rows.map(async (row) => {
      const sealed = row.body === null ? null : sealedIn(row.body);
      return row.body === null || sealed === null
        ? row
        : { ...row, body: await openToken(context, row.body, sealed) };
    }),
  );

/** What a buyer gave stands deeper in an answer, and is never taken for a token of ours. */
function sealedIn(body: string): string | null {
  if (!body.includes(FIELD + MARK)) return null;
  const answer: { access_token?: unknown; order?: { access_token?: unknown } } = JSON.parse(body);
  const token = answer.access_token ?? answer.order?.access_token;
  return typeof token === "string" && token.startsWith(MARK) ? token : null;
}

async function openToken(context: Settings, body: string, sealed: string): Promise<string> {
  const token = await unseal(await sealingKeys(context), sealed.slice(MARK.length));
  return body.replace(`,${FIELD}${sealed}"`, token === null ? "" : `,${FIELD}${token}"`);
}

/** Deriving is for once in an isolate: a key lives as long as the ring that it is of. */
const derived = new WeakMap<CryptoKey, CryptoKey>();

/** Of all signing keys, the newest first; none where there is no ring. */
async function sealingKeys({ settings }: Settings): Promise<CryptoKey[]> {
  const result = await keyRing(settings);
  if (result.kind === "misconfigured") return [];
  return Promise.all(
    [...result.ring.accepted.values()].flatMap(({ secret }) => (secret === null ? [] : keyOf(secret))),
  );
}

async function keyOf(secret: CryptoKey): Promise<CryptoKey> {
  const known = derived.get(secret);
  if (known) return known;
  const key = await sealingKey(secret, "holdfast/order-token");
  derived.set(secret, key);
  return key;
}
