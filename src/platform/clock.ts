/** The current time, as a port, so that a test can set it. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** A row whose times are in milliseconds since the epoch, and otherwise as the API shows it. */
export type InMilliseconds<Wire extends { created_at: string; updated_at: string }> = Omit<
  Wire,
  "created_at" | "updated_at"
> & { created_at: number; updated_at: number };

/** The format of every moment in the API: ISO 8601 in UTC, `…Z`. */
export const isoTimestamp = (milliseconds: number): string => new Date(milliseconds).toISOString();
