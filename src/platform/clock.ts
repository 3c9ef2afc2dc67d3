/** Time, as a port: what decides anything asks here, so that a test can say what time it is. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** How every stamp leaves the API: ISO 8601 in UTC, `…Z`. */
export const isoStamp = (milliseconds: number): string => new Date(milliseconds).toISOString();
