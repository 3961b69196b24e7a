import type { ApplyResult } from "../connector";

/** Results as texts to compare: `applied`, `failed permanent target-rejected`. */
export function outcomesOf(results: readonly ApplyResult[]): string[] {
  // Not `map`: results from another thread are of another realm than a test's, and so would the array be that it makes.
  return Array.from(results, (result) =>
    "failure" in result
      ? `${result.outcome} ${result.failure.class} ${result.failure.code}`
      : result.outcome,
  );
}
