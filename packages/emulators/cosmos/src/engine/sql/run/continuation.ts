/**
 * Where the next page of a query begins. Stateless: everything needed is in the token, so that it survives a restart,
 * and documents that come or go between two pages neither repeat nor hide others.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { badRequest } from "../../model/cosmos-error";
import type { Json, Value } from "../../model/json";

const Place = z.strictObject({
  /** Which query the token belongs to. */
  q: z.string(),
  /** How many rows were passed so far, including those skipped by OFFSET. */
  n: z.int().min(0),
  /** Document of the last row passed. */
  p: z.int().optional(),
  /** Rows of that document passed: a JOIN makes several of one. */
  r: z.int().min(0).optional(),
  /** Its ORDER BY values, each in a list that is empty for undefined. */
  k: z.array(z.array(z.json()).max(1)).optional(),
});

export interface Continuation {
  readonly passed: number;
  readonly position: number | undefined;
  readonly rowsOfDocument: number;
  readonly keys: readonly Value[] | undefined;
}

export const START: Continuation = {
  passed: 0,
  position: undefined,
  rowsOfDocument: 0,
  keys: undefined,
};

/** Enough to tell the queries of a program apart. */
const FINGERPRINT_CHARS = 12;

/** Identifies a query, its parameters and its partition key in a token. */
export function fingerprint(...parts: readonly string[]): string {
  return createHash("sha1")
    .update(JSON.stringify(parts))
    .digest("base64url")
    .slice(0, FINGERPRINT_CHARS);
}

export function writeContinuation(query: string, continuation: Continuation): string {
  const { passed, position, rowsOfDocument, keys } = continuation;
  const place: z.infer<typeof Place> = {
    q: query,
    n: passed,
    ...(position === undefined ? {} : { p: position, r: rowsOfDocument }),
    ...(keys === undefined
      ? {}
      : { k: keys.map((value): Json[] => (value === undefined ? [] : [value])) }),
  };
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** @throws CosmosError `BadRequest` if the token does not belong to the query */
export function readContinuation(token: string | undefined, query: string): Continuation {
  if (token === undefined || token === "") return START;
  let place: z.infer<typeof Place> | undefined;
  try {
    place = Place.safeParse(JSON.parse(Buffer.from(token, "base64url").toString())).data;
  } catch {
    place = undefined;
  }
  if (place === undefined || place.q !== query) {
    throw badRequest("Invalid continuation token: it does not belong to this query.");
  }
  return {
    passed: place.n,
    position: place.p,
    rowsOfDocument: place.r ?? 0,
    keys: place.k?.map(([value]) => value),
  };
}
