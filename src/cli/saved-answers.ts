type Row = Record<string, unknown>;

const KEYS = "idempotency";

const nameOf = ({ scope, key }: Row): string => JSON.stringify([scope, key]);

/**
 * Which Idempotency-Keys a backup has with their answers, of those that it reads again after the objects.
 *
 * What was done under a key since may be in an object that was read later than its order or its answer. Without the key, a
 * retry after a restore would do it again under another operation: a delivery would be booked twice. So each key of that
 * time is saved, but without its answer, since the effect may be missing as well. Then a retry does the work under the same
 * operation, which finds what it has done already, in the object or the order, and does what is missing. A key whose answer
 * was saved before keeps it: the effect of what was answered then is in what was read after it.
 */
export class SavedAnswers {
  readonly #names = new Set<string>();
  readonly #since: number;

  /** @param again what is read again, and from when on */
  constructor(again: { table: string; since: string | null }[]) {
    this.#since = Date.parse(again.find(({ table }) => table === KEYS)?.since ?? "");
  }

  note(table: string, rows: Row[]): void {
    if (table !== KEYS) return;
    for (const row of rows) {
      if (row.status !== null && Number(row.created_at) >= this.#since) this.#names.add(nameOf(row));
    }
  }

  /** Of rows that were read again, what is to be saved. */
  ofLate(table: string, rows: Row[]): Row[] {
    if (table !== KEYS) return rows;
    return rows
      .filter((row) => !this.#names.has(nameOf(row)))
      .map((row) => ({ ...row, status: null, body: null }));
  }
}
