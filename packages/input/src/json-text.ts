/**
 * Reads JSON within bounds: where it breaks, how deep it goes, how much it holds, and whether a key appears twice or is
 * `__proto__`, all before a value is made. `JSON.parse` names no reliable place, keeps the last of two equal keys (so
 * that two readers of one document may disagree), and has no bounds. The value itself is then made by `JSON.parse`.
 */
import { clip, limits } from "@postern/contracts";
import { jsonBounds, type TextBounds } from "./bounds";
import { flawAt, type Reading } from "./flaw";
import { JsonFlaw, JsonScan } from "./json-scan";

export function readJson(text: string, bounds: TextBounds = jsonBounds): Reading {
  const bytes = Buffer.from(text, "utf8");
  try {
    check(new JsonScan(bytes), bounds);
  } catch (error) {
    if (!(error instanceof JsonFlaw)) throw error;
    const offset = bytes.subarray(0, error.at).toString("utf8").length;
    return { ok: false, flaw: flawAt(text, error.message, offset) };
  }
  return { ok: true, value: JSON.parse(text) as unknown };
}

function check(scan: JsonScan, bounds: TextBounds): void {
  if (scan.peek() === undefined) scan.fail("there is no JSON here");
  // One set of names for each open level; the deepest one is reused by its next sibling.
  const seen: Set<string>[] = [];
  scan.skip({
    ...bounds,
    onObject: (level) => void (seen[level] = new Set()),
    onKey: ({ at }, start, level) => {
      const name = scan.text(start, at);
      if (seen[level]?.has(name) === true)
        scan.fail(`the key '${clip(name, limits.quotedChars)}' appears twice`, start);
      if (name === "__proto__") scan.fail("the key '__proto__' is not allowed", start);
      seen[level]?.add(name);
    },
  });
  scan.end();
}
