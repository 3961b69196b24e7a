/** Work did not end in time. It may still end later: the caller has only stopped waiting. */
export class TimeLimitExceeded extends Error {
  /**
   * As of a socket that times out, so that code which recognises passing failures by their codes recognises this one.
   */
  readonly code = "ETIMEDOUT";

  constructor(limitMs: number, what: string) {
    super(`${what} within ${limitMs} ms`);
    this.name = "TimeLimitExceeded";
  }
}

/**
 * Bounds a wait that could last forever, as many library calls can: a connection may die silently.
 *
 * @param what says in the error what did not happen, for example `the token issuer did not answer`
 * @throws TimeLimitExceeded when `work` takes longer
 */
export async function withinTimeLimit<T>(
  work: Promise<T>,
  limitMs: number,
  what = "not done",
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeLimitExceeded(limitMs, what)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
