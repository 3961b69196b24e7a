/** What Microsoft Graph answers, taken as hostile: bounded before it is built, checked, cut to what was asked for. */
import { limits, type StreamName } from "@postern/contracts";
import { JsonFlaw, JsonScan } from "@postern/input";
import {
  readObject,
  readRelated,
  type ReadOptions,
  type RelatedReading,
  ResponseBudget,
} from "./object-reader";
import { responseBounds } from "./response-bounds";
import {
  type MemberChange,
  type SourceChange,
  SourceError,
  type SourcePage,
  type UnreadableEntity,
} from "../../ports/source";

const SMALL = { depth: 8, tokens: 100 };
const ANYTHING = { depth: Number.MAX_SAFE_INTEGER, tokens: Number.MAX_SAFE_INTEGER };
const LINKS = new Set(["@odata.nextLink", "@odata.deltaLink"]);

/** @throws SourceError */
export function deltaPageOf(
  body: Buffer,
  stream: StreamName,
  select: readonly string[],
): SourcePage {
  const options: ReadOptions = {
    type: stream === "users" ? "user" : "group",
    select,
    whole: false,
  };
  const budget = new ResponseBudget();
  const changes: SourceChange[] = [];
  const unreadable: UnreadableEntity[] = [];
  const links = readPage(body, responseBounds.objects, (scan) => {
    const read = readObject(body, scan, options, budget);
    if (read.change !== undefined) changes.push(read.change);
    unreadable.push(...read.unreadable);
  });
  const nextLink = links.get("@odata.nextLink") ?? null;
  const deltaLink = nextLink === null ? (links.get("@odata.deltaLink") ?? null) : null;
  if (nextLink === null && deltaLink === null)
    throw new SourceError("refused", "a delta page has neither a nextLink nor a deltaLink");
  return { changes, unreadable, nextLink, deltaLink, bytes: body.length };
}

/**
 * A direct read.
 *
 * @throws SourceError
 */
export function objectOf(
  body: Buffer,
  type: "user" | "group",
  select: readonly string[],
): SourceChange {
  const { change } = inJson(body, (scan) =>
    readObject(body, scan, { type, select, whole: true }, new ResponseBudget()),
  );
  if (change === undefined) throw undocumented("an object without a valid id");
  return change;
}

/** @throws SourceError */
export function memberPageOf(body: Buffer): {
  readonly members: readonly MemberChange[];
  readonly nextLink: string | null;
} {
  const readings: RelatedReading[] = [];
  const links = readPage(body, responseBounds.members, (scan) => {
    readings.push(readRelated(body, scan));
  });
  return {
    members: readings.flatMap((reading) => (reading.ok ? [reading.member] : [])),
    nextLink: links.get("@odata.nextLink") ?? null,
  };
}

/** Hands over each element of `value`, and returns the links. */
function readPage(
  body: Buffer,
  most: number,
  onElement: (scan: JsonScan) => void,
): Map<string, string> {
  const links = new Map<string, string>();
  let hasValue = false;
  let objects = 0;
  inJson(body, (scan) => {
    scan.members((key) => {
      if (key === "value") {
        hasValue = true;
        scan.elements(() => {
          objects += 1;
          if (objects > most) throw undocumented(`more than ${most} objects on a page`);
          onElement(scan);
        });
      } else if (LINKS.has(key)) links.set(key, linkAt(body, scan, key));
      else scan.skip(ANYTHING);
    });
  });
  if (!hasValue) throw undocumented("a page without a value");
  return links;
}

function linkAt(body: Buffer, scan: JsonScan, key: string): string {
  const { start, end } = scan.skip(SMALL);
  const link =
    end - start <= limits.linkChars
      ? (JSON.parse(body.toString("utf8", start, end)) as unknown)
      : 0;
  if (typeof link === "string" && link !== "") return link;
  throw undocumented(`an ${key} that is not a text of at most ${limits.linkChars} bytes`);
}

function inJson<T>(body: Buffer, read: (scan: JsonScan) => T): T {
  const scan = new JsonScan(body);
  try {
    const result = read(scan);
    scan.end();
    return result;
  } catch (error) {
    if (!(error instanceof JsonFlaw)) throw error;
    throw undocumented(`text that is not JSON at byte ${error.at + 1} (${error.message})`);
  }
}

function undocumented(what: string): SourceError {
  return new SourceError(
    "refused",
    `Microsoft Graph answered something else than documented: ${what}`,
  );
}
