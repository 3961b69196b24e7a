import type { z } from "zod";

/**
 * Rounds of dropping unknown keys. One is the rule; a union reports the keys of its branches only after the keys around
 * it are gone, so a reply takes a round for each level at which the two nest.
 */
const MAX_ROUNDS = 10;

/** A reply in both forms. */
export interface ReadReply<T> {
  readonly value: T;
  /** With the fields that the schema does not know. */
  readonly raw: unknown;
}

/**
 * A reply as its schema reads it, or undefined when it is not JSON or does not match. A cloud app of the next version
 * may send fields that this program does not know: they are dropped. Fields that the schema requires must be there.
 */
export function readReply<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): ReadReply<z.output<Schema>> | undefined {
  const raw = jsonOf(text);
  const read = schema.safeParse(raw);
  if (read.success) return { value: read.data, raw };
  // Parsed once more, not cloned: a clone recurses, and a hostile reply may nest deeper than the stack.
  const copy = jsonOf(text);
  let { issues } = read.error;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (!issues.every(({ code }) => code === "unrecognized_keys")) return undefined;
    for (const issue of issues) {
      if (issue.code === "unrecognized_keys") dropKeys(copy, issue.path, issue.keys);
    }
    const reread = schema.safeParse(copy);
    if (reread.success) return { value: reread.data, raw };
    ({ issues } = reread.error);
  }
  return undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function dropKeys(root: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  let place: unknown = root;
  for (const step of path) {
    if (typeof place !== "object" || place === null) return;
    place = Reflect.get(place, step);
  }
  if (typeof place !== "object" || place === null) return;
  for (const key of keys) Reflect.deleteProperty(place, key);
}
