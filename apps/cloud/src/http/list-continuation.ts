import { readJson } from "@postern/input";
import { invalidRequest } from "./request-error";

/** The continuation of a list: opaque to callers, valid only for the list that issued it. */
export function continuationOf(list: string, next: string | null): string | null {
  return next === null ? null : Buffer.from(JSON.stringify([list, next])).toString("base64url");
}

/**
 * @param form pattern of the ids that the list is ordered by, if not every text can be one
 * @throws RequestError when this list did not issue the continuation
 */
export function afterOf(
  list: string,
  continuation: string | undefined,
  form = /^/,
): string | undefined {
  if (continuation === undefined) return undefined;
  const parts = parse(continuation);
  if (parts?.[0] === list && form.test(parts[1])) return parts[1];
  throw invalidRequest([
    {
      field: "query.continuation",
      problem: "is not a continuation that this list returned",
      hint: "pass the value from the previous page unchanged, or leave it out",
    },
  ]);
}

function parse(continuation: string): readonly [string, string] | undefined {
  const reading = readJson(Buffer.from(continuation, "base64url").toString("utf8"));
  const parsed = reading.ok ? reading.value : undefined;
  if (!Array.isArray(parsed)) return undefined;
  const parts: readonly unknown[] = parsed;
  const [list, next] = parts;
  return typeof list === "string" && typeof next === "string" ? [list, next] : undefined;
}
