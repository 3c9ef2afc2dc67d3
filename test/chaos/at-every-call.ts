import { Boundary, ENDINGS, type Ending } from "./boundary.ts";

/** Runs `scenario` untouched and then with every ending at every call that it made. Returns these calls. */
export async function atEveryCall(
  scenario: (boundary: Boundary, ending: Ending | null) => Promise<void>,
  { endings = ENDINGS, ...where }: { inObject?: boolean; endings?: Ending[] } = {},
): Promise<string[]> {
  const recorded = new Boundary(null, where);
  await scenario(recorded, null);
  for (const at of recorded.calls.keys()) {
    for (const ending of endings) {
      const boundary = new Boundary({ at, ending }, where);
      try {
        await scenario(boundary, ending);
      } catch (error) {
        throw new Error(`worker ${ending} at ${recorded.calls[at]} (call ${at})`, { cause: error });
      } finally {
        boundary.bury();
      }
    }
  }
  return recorded.calls;
}
