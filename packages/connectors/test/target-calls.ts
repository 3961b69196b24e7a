import type { ApplyItem, ApplyResult, Target, TargetFailure } from "../src/connector";

/** A signal that is never aborted. */
export const signal = new AbortController().signal;

export const apply = (
  target: Target,
  ...items: readonly ApplyItem[]
): Promise<readonly ApplyResult[]> => target.apply(items, { signal });

export const failureOf = (result: ApplyResult | undefined): TargetFailure | undefined =>
  result && "failure" in result ? result.failure : undefined;
