import type { z } from "zod";

/**
 * An answer held against its schema. A cloud of the next version may say more than this program knows: what it does not
 * know is left out, what it needs must be there.
 */
export function readReply<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> | undefined {
  const copy: unknown = structuredClone(value);
  for (let round = 0; round < 10; round += 1) {
    const parsed = schema.safeParse(copy);
    if (parsed.success) return parsed.data;
    const { issues } = parsed.error;
    if (!issues.every(({ code }) => code === "unrecognized_keys")) return undefined;
    for (const issue of issues) {
      if (issue.code === "unrecognized_keys") forget(copy, issue.path, issue.keys);
    }
  }
  return undefined;
}

function forget(root: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  let place: unknown = root;
  for (const step of path) {
    if (typeof place !== "object" || place === null) return;
    place = Reflect.get(place, step);
  }
  if (typeof place !== "object" || place === null) return;
  for (const key of keys) Reflect.deleteProperty(place, key);
}
