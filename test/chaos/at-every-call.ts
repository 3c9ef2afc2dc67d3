import { testClock } from "../support/clock.ts";
import { Boundary, ENDINGS, type Ending } from "./boundary.ts";
import { brokenInvariants } from "./invariants.ts";
import { type Stage, settleAll } from "./stage.ts";

/** What a scenario leaves behind: a stage on which time is to pass, and what must be true of it when it has passed. */
export interface Aftermath {
  stage: Stage;
  afterwards?: () => Promise<void>;
}

/** A scenario that lets time pass by itself leaves nothing. */
type Scenario = (boundary: Boundary, ending: Ending | null) => Promise<Aftermath | undefined>;

const HOUR = 3_600_000;

/**
 * Runs `scenario` untouched and then with every ending at every call that it made. Returns these calls. Each has a stage
 * of its own in one shop, so the hours and the sweeps after it are the same for all of them: they pass once, when all
 * workers have ended.
 */
export async function atEveryCall(
  scenario: Scenario,
  { endings = ENDINGS, ...where }: { inObject?: boolean; endings?: Ending[] } = {},
): Promise<string[]> {
  // Where the shop's hour is not the real one, no object's alarm rings by itself, and a scenario is what it is each time.
  testClock.advance(HOUR);
  const aftermaths: Named[] = [];
  const boundaries: Boundary[] = [];
  const run = async (name: string, boundary: Boundary, ending: Ending | null) => {
    boundaries.push(boundary);
    const left = await named(name, () => scenario(boundary, ending));
    if (left) aftermaths.push({ name, left });
    else boundary.bury();
  };
  try {
    const recorded = new Boundary(null, where);
    await run("worker untouched", recorded, null);
    for (const [at, call] of [...recorded.calls].entries()) {
      for (const ending of endings) {
        await run(`worker ${ending} at ${call} (call ${at})`, new Boundary({ at, ending }, where), ending);
      }
    }
    await settle(aftermaths);
    for (const { name, left } of aftermaths) await named(name, async () => left.afterwards?.());
    return recorded.calls;
  } finally {
    for (const boundary of boundaries) boundary.bury();
  }
}

interface Named {
  name: string;
  left: Aftermath;
}

/** Lets time pass on all stages, and says which of them are broken then. */
async function settle(aftermaths: Named[]): Promise<void> {
  if (aftermaths.length === 0) return;
  try {
    await settleAll(aftermaths.map(({ left }) => left.stage));
  } catch (error) {
    const broken: string[] = [];
    for (const { name, left } of aftermaths) {
      if ((await brokenInvariants(left.stage.opening, { calm: false })).length > 0) broken.push(name);
    }
    throw new Error(`when time had passed: ${broken.join("; ")}`, { cause: error });
  }
}

async function named<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new Error(name, { cause: error });
  }
}
