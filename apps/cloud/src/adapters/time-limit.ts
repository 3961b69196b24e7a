/** Something did not come to an end in time. It may still do so later: the caller has only stopped waiting. */
export class TimeLimitExceeded extends Error {
  constructor(limitMs: number) {
    super(`not done within ${limitMs} ms`);
    this.name = "TimeLimitExceeded";
  }
}

/** @throws TimeLimitExceeded when `work` takes longer */
export async function withinTimeLimit<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeLimitExceeded(limitMs)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
