import { type FieldProblem, nearest } from "@postern/contracts";

/** Known names listed in a problem. */
const NAMES_LISTED = 20;

/** A field that names something that does not exist, with the known names and the nearest of them. */
export function unknownName(
  field: string,
  what: string,
  given: string,
  known: readonly string[],
): FieldProblem {
  const suggestion = nearest(given, known);
  const list = known
    .slice(0, NAMES_LISTED)
    .map((name) => `'${name}'`)
    .join(", ");
  return {
    field,
    problem: `there is no ${what} '${given}'; known: ${list === "" ? "none" : list}`,
    ...(suggestion === undefined ? {} : { hint: `did you mean '${suggestion}'?` }),
  };
}
