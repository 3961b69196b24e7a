import type { z } from "zod";
import { clip } from "./clip";
import { nearest } from "./nearest";
import type { FieldProblem } from "./problem";

const MAX_PROBLEMS = 50;

/** Keys come from outside: a field's name never grows beyond this. */
const MAX_FIELD_CHARS = 300;

function pathText(path: readonly PropertyKey[]): string {
  const text = path.reduce<string>(
    (before, part) =>
      typeof part === "number" ? `${before}[${part}]` : `${before}.${String(part)}`,
    "$",
  );
  return clip(text, MAX_FIELD_CHARS);
}

/**
 * What a schema found wrong, a line a field, with the nearest known key for each unknown one.
 *
 * @param knownKeys keys known at any place of the document, for suggestions
 */
export function fieldProblems(
  error: z.ZodError,
  knownKeys: readonly string[] = [],
): FieldProblem[] {
  return error.issues
    .slice(0, MAX_PROBLEMS)
    .flatMap((issue) => problemsOfIssue(issue, knownKeys))
    .slice(0, MAX_PROBLEMS);
}

function problemsOfIssue(issue: z.core.$ZodIssue, knownKeys: readonly string[]): FieldProblem[] {
  if (issue.code === "unrecognized_keys") {
    // Cut first: the search for what was meant takes longest, and keys come by the ten thousand.
    return issue.keys.slice(0, MAX_PROBLEMS).map((key) => {
      const suggestion = nearest(key, knownKeys);
      return {
        field: pathText([...issue.path, key]),
        problem: "unknown key",
        ...(suggestion === undefined ? {} : { hint: `did you mean '${suggestion}'?` }),
      };
    });
  }
  if (issue.code === "invalid_union") {
    const branches = issue.errors.filter((branch) => branch.length > 0);
    const deepest = branches.toSorted((a, b) => depth(b) - depth(a))[0];
    if (deepest && depth(deepest) > 0) {
      return deepest.flatMap((inner) =>
        problemsOfIssue({ ...inner, path: [...issue.path, ...inner.path] }, knownKeys),
      );
    }
    return [
      { field: pathText(issue.path), problem: expectedText(branches.flat()) ?? issue.message },
    ];
  }
  return [{ field: pathText(issue.path), problem: problemOfIssue(issue) }];
}

function problemOfIssue(issue: z.core.$ZodIssue): string {
  // A bad key's own problem says more than that the key is bad.
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  return issue.message;
}

/** "expected string or object", where no branch of a union came further than the type. */
function expectedText(issues: readonly z.core.$ZodIssue[]): string | undefined {
  const expected = issues.flatMap((issue) =>
    issue.code === "invalid_type" ? [issue.expected] : [],
  );
  return expected.length === 0 || expected.length < issues.length
    ? undefined
    : `expected ${[...new Set(expected)].join(" or ")}`;
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

/** One line per problem, for a terminal or a log. */
export function problemText(problems: readonly FieldProblem[]): string {
  return problems
    .map(
      ({ field, problem, hint }) => `${field}: ${problem}${hint === undefined ? "" : ` (${hint})`}`,
    )
    .join("\n");
}
