import { setTimeout as pause } from "node:timers/promises";

/** How long a new version may take until it answers everywhere. */
const PATIENCE_MS = 90_000;
const PAUSE_MS = 2_000;

/**
 * Asks a deployed shop whether it can take orders, and for its list of products. Throws with what it answered last where it
 * does not come to be ready in time.
 */
export async function smokeTest(url: string, patienceMs = PATIENCE_MS): Promise<string[]> {
  const until = Date.now() + patienceMs;
  let last = await ask(`${url}/health/ready`);
  while (last.status !== 200) {
    if (Date.now() > until) throw new Error(`${url}/health/ready answers ${last.status}: ${last.text}`);
    await pause(PAUSE_MS);
    last = await ask(`${url}/health/ready`);
  }
  const list = await ask(`${url}/api/v1/products`);
  if (list.status !== 200) throw new Error(`${url}/api/v1/products answers ${list.status}: ${list.text}`);
  return [`${url}/health/ready: 200`, `${url}/api/v1/products: 200`];
}

async function ask(url: string): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, text: (await response.text()).slice(0, 300) };
  } catch (error) {
    return { status: 0, text: error instanceof Error ? error.message : String(error) };
  }
}
