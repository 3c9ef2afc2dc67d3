/** No longer name is compared: how long that takes grows with the square. */
const MAX_LENGTH = 64;

/**
 * The known name that somebody most likely meant; null when none is near. Case and the marks between words do not count
 * (`paymentMethod`), and a part may stand for the whole (`email` for `customer_email`).
 */
export function nearestName(meant: string, known: string[]): string | null {
  const typed = fold(meant);
  if (typed === "" || typed.length > MAX_LENGTH) return null;
  const allowed = Math.max(1, Math.floor(typed.length / 3));
  const near = known
    .map((name) => ({ name, edits: editsBetween(typed, fold(name)) }))
    .filter(({ edits }) => edits <= allowed)
    .sort((one, other) => one.edits - other.edits)[0];
  return near?.name ?? known.find((name) => isPart(meant, name) || isPart(name, meant)) ?? null;
}

const fold = (name: string): string => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");

const isPart = (part: string, whole: string): boolean =>
  part !== "" && `_${whole.toLowerCase()}_`.includes(`_${part.toLowerCase()}_`);

/** How many letters must be added, taken away or changed, or two neighbours swapped (optimal string alignment). */
function editsBetween(one: string, other: string): number {
  let earlier: number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 0; row < one.length; row++) {
    const line = [row + 1];
    for (let column = 0; column < other.length; column++) {
      const at = (distances: number[], index: number) => distances[index] ?? Number.POSITIVE_INFINITY;
      const changed = at(above, column) + (one[row] === other[column] ? 0 : 1);
      const isSwapped = row > 0 && one[row] === other[column - 1] && one[row - 1] === other[column];
      const swapped = isSwapped ? at(earlier, column - 1) + 1 : Number.POSITIVE_INFINITY;
      line.push(Math.min(changed, at(above, column + 1) + 1, at(line, column) + 1, swapped));
    }
    earlier = above;
    above = line;
  }
  return above[other.length] ?? one.length;
}
