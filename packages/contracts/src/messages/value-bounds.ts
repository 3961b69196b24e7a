/**
 * Bounds on a value that somebody else has parsed already, as the client of the broker does: what follows walks it, and
 * schemas do so by recursion.
 */
const MAX_DEPTH = 32;
/** A message of 200 KB with columns of a few bytes holds a fifth of it. */
const MAX_VALUES = 100_000;

/** What is too much about a value; undefined when nothing is. Without recursion. */
export function tooMuchIn(root: unknown): string | undefined {
  let level: unknown[] = [root];
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return `nested more than ${MAX_DEPTH} levels deep`;
    const next: unknown[] = [];
    for (const value of level) {
      values += 1;
      if (values > MAX_VALUES) return `holds more than ${MAX_VALUES} values`;
      if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) continue;
      for (const key in value) if (Object.hasOwn(value, key)) next.push(Reflect.get(value, key));
      if (next.length > MAX_VALUES) return `holds more than ${MAX_VALUES} values`;
    }
    level = next;
  }
  return undefined;
}
