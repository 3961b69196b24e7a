import { CosmosError } from "../../model/cosmos-error";

/** The error of a query that cannot be parsed, with the place in the form of the service. */
export function syntaxError(
  text: string,
  start: number,
  end: number,
  problem: string,
): CosmosError {
  const before = text.slice(0, start).split("\n");
  const near = text.slice(start, end);
  const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  const message =
    near === "" ? `${problem} at the end of the query.` : `${problem} near '${near}' (${place}).`;
  return new CosmosError(
    "BadRequest",
    JSON.stringify({
      errors: [{ severity: "Error", location: { start, end }, code: "SC1001", message }],
    }),
  );
}
