const MINUTE = 60_000;

/**
 * Ticks the Worker's cron trigger now, to catch up, and then at each full minute: `wrangler dev` fires none by itself.
 * A tick that the last one is still busy with is left out.
 * @returns how to stop it
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
      MINUTE - (Date.now() % MINUTE),
    );
  };

  void tick();
  arm();
  return () => clearTimeout(timer);
}
