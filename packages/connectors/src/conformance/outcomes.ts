import type { ApplyResult } from "../connector";

/** Results as comparable text: `applied`, `failed permanent target-rejected`. */
export function outcomesOf(results: readonly ApplyResult[]): string[] {
  // Not `map`: it would return an array of the results' realm. Results of a thread come from another realm than a
  // test's.
  return Array.from(results, (result) =>
    "failure" in result
      ? `${result.outcome} ${result.failure.class} ${result.failure.code}`
      : result.outcome,
  );
}
