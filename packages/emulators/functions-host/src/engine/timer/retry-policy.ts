import type { RpcRetryOptions } from "../app/rpc";

const DEFAULT_MINIMUM_S = 10;
const DEFAULT_MAXIMUM_S = 15 * 60;

/** Delay of a function's retry policy before the next attempt. */
export function retryDelayMs(options: RpcRetryOptions, attempt: number): number {
  if (options.retryStrategy?.toLowerCase().startsWith("exponential")) {
    const minimumS = options.minimumInterval?.seconds ?? DEFAULT_MINIMUM_S;
    const maximumS = options.maximumInterval?.seconds ?? DEFAULT_MAXIMUM_S;
    return Math.min(minimumS * 2 ** attempt, maximumS) * 1000;
  }
  return (options.delayInterval?.seconds ?? 0) * 1000;
}
