const MINUTE_MS = 60_000;

/**
 * Fires the Worker's cron trigger now, to catch up, and then at each full minute, because neither Miniflare nor `wrangler dev`
 * does it. A tick is skipped while the one before it still runs.
 * @returns a function that stops it
 */
export function tickCron(url: string, warn: (message: string) => void): () => void {
  let busy = false;
  let timer: NodeJS.Timeout;

  const tick = async () => {
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch(`${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent("* * * * *")}`);
      if (!answer.ok) warn(`cron: the schedule answered ${answer.status}`);
    } catch (error) {
      warn(`cron: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      busy = false;
    }
  };

  const arm = () => {
    timer = setTimeout(
      () => {
        arm();
        void tick();
      },
      MINUTE_MS - (Date.now() % MINUTE_MS),
    );
  };

  void tick();
  arm();
  return () => clearTimeout(timer);
}
