/** Something did not come to an end in time. It may still do so later: the caller has only stopped waiting. */
export class TimeLimitExceeded extends Error {
  /** As of a socket that times out, so that who tells passing failures from others by their codes knows it. */
  readonly code = "ETIMEDOUT";

  constructor(limitMs: number, what: string) {
    super(`${what} within ${limitMs} ms`);
    this.name = "TimeLimitExceeded";
  }
}

/**
 * For whatever may hang for ever, as much of what libraries do may: a connection can be gone without a word.
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
