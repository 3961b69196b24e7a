/**
 * One object of a response, read in place: only the properties that were asked for are built, each within its bounds.
 * An object that is beyond a bound is named and left out, so that its neighbours on the page go on.
 */
import { createHash } from "node:crypto";
import { clip, type EntityRef, limits, membershipRef } from "@postern/contracts";
import { type Extent, type JsonScan } from "@postern/input";
import { z } from "zod";
import { parseExactJson } from "./exact-json";
import { ObjectId } from "./object-id";
import { responseBounds } from "./response-bounds";
import {
  type MemberChange,
  type ReferenceChange,
  type SourceChange,
  SourceError,
  type UnreadableEntity,
} from "../../ports/source";

const Removed = z.object({ reason: z.string().max(50).optional() });
const RelatedObject = z.looseObject({
  id: ObjectId,
  "@odata.type": z.string().max(200).optional(),
  "@removed": Removed.optional(),
});
type RelatedObject = z.infer<typeof RelatedObject>;

/** Moves past a value of any size and depth; what is beyond a bound is judged by its extent. */
const ANY_EXTENT = { depth: Number.MAX_SAFE_INTEGER, tokens: Number.MAX_SAFE_INTEGER };
/** Characters of a digest that names an object whose id cannot be read. */
const DIGEST_CHARS = 16;
const RELATIONS = new Set(["manager", "members"]);

/** What is left of the bounds of one response. */
export class ResponseBudget {
  #members = responseBounds.members;
  #tokens = responseBounds.tokens;

  /** @throws SourceError */
  member(): void {
    this.#members -= 1;
    if (this.#members < 0)
      throw new SourceError(
        "refused",
        `a page has more than ${responseBounds.members} members, the most that are read at once`,
      );
  }

  /** @throws SourceError */
  tokens(count: number): void {
    this.#tokens -= count;
    if (this.#tokens < 0)
      throw new SourceError(
        "refused",
        `a page has more than ${responseBounds.tokens} values in the mapped properties, the most that are read at once: map fewer lists`,
      );
  }
}

export interface ReadOptions {
  readonly type: "user" | "group";
  readonly select: readonly string[];
  /** A direct read: what was asked for and is not there has no value. */
  readonly whole: boolean;
}

export interface ReadObject {
  /** Undefined when its id cannot be read: then it is in `unreadable` alone. */
  readonly change: SourceChange | undefined;
  readonly unreadable: readonly UnreadableEntity[];
}

/**
 * @throws JsonFlaw when the response is not JSON
 * @throws SourceError when the page is beyond a bound
 */
export function readObject(
  bytes: Buffer,
  scan: JsonScan,
  { type, select, whole }: ReadOptions,
  budget: ResponseBudget,
): ReadObject {
  const wanted = new Set(["id", "@removed", "manager@delta", ...select]);
  wanted.delete("members");
  const found = new Map<string, unknown>();
  const members: RelatedReading[] = [];
  let hasMembers = false;
  let keptBytes = 0;
  let problem: string | undefined;
  scan.peek();
  const start = scan.at;
  if (!scan.isObject()) {
    scan.skip(ANY_EXTENT);
    problem = "it is not an object";
  } else {
    scan.members((key) => {
      if (key === "members@delta" && scan.isArray()) {
        hasMembers = true;
        scan.elements(() => {
          budget.member();
          members.push(readRelated(bytes, scan));
        });
        return;
      }
      const extent = scan.skip(ANY_EXTENT);
      if (!wanted.has(key)) return;
      keptBytes += extent.end - extent.start;
      const beyond = beyondBounds(extent);
      if (beyond !== undefined) problem ??= `property '${clip(key, limits.quotedChars)}' ${beyond}`;
      else {
        budget.tokens(extent.tokens);
        found.set(key, valueOf(bytes, extent));
      }
    });
    if (keptBytes > responseBounds.objectBytes)
      problem ??= `its mapped properties have more than ${responseBounds.objectBytes} bytes`;
  }
  const id = ObjectId.safeParse(found.get("id")).data;
  if (id === undefined) {
    const digest = digestOf(bytes.subarray(start, scan.at));
    const reason = unreadableText(problem ?? "it has no valid id");
    return { change: undefined, unreadable: [{ entity: { type, id: digest }, reason }] };
  }
  const removed = Removed.safeParse(found.get("@removed"));
  if (found.has("@removed") && removed.success) {
    // Anything but a final deletion may come back.
    const reason = removed.data.reason === "deleted" ? "deleted" : "changed";
    return { change: { type, id, removed: reason, properties: {} }, unreadable: [] };
  }
  const managers = relatedList(found.get("manager@delta"));
  if (found.has("manager@delta") && managers === undefined)
    problem ??= "property 'manager@delta' is not a list of references";
  const related = hasMembers ? membersOf(id, members) : undefined;
  const relatedPart = related === undefined ? {} : { members: related.members };
  const unreadable = related?.unreadable ?? [];
  if (problem !== undefined) {
    const properties = { id };
    const change = { type, id, properties, ...relatedPart, refused: unreadableText(problem) };
    return { change, unreadable };
  }
  return {
    change: {
      type,
      id,
      properties: propertiesOf(found, select, whole),
      ...(managers === undefined ? {} : { manager: managerOf(managers) }),
      ...relatedPart,
    },
    unreadable,
  };
}

export type RelatedReading =
  | { readonly ok: true; readonly member: MemberChange }
  | { readonly ok: false; readonly digest: string };

/** One member, as lists of members and `members@delta` have it. */
export function readRelated(bytes: Buffer, scan: JsonScan): RelatedReading {
  const extent = scan.skip(ANY_EXTENT);
  const isSmall = extent.end - extent.start <= responseBounds.relatedBytes && extent.depth <= 4;
  const parsed = isSmall ? RelatedObject.safeParse(valueOf(bytes, extent)) : undefined;
  if (parsed?.success === true) return { ok: true, member: memberOf(parsed.data) };
  return { ok: false, digest: digestOf(bytes.subarray(extent.start, extent.end)) };
}

/** The one place where a property's text becomes a value. */
function valueOf(bytes: Buffer, { start, end }: Extent): unknown {
  return parseExactJson(bytes.toString("utf8", start, end));
}

function beyondBounds({ start, end, depth, tokens }: Extent): string | undefined {
  const { valueBytes, valueDepth, valueTokens } = responseBounds;
  if (end - start > valueBytes) return `has more than ${valueBytes} bytes`;
  if (depth > valueDepth) return `is nested more than ${valueDepth} levels deep`;
  if (tokens > valueTokens) return `has more than ${valueTokens} values`;
  return undefined;
}

function unreadableText(problem: string): string {
  return `Microsoft Graph's object cannot be read: ${problem}`;
}

/** Names what has no readable id, the same way each time. */
function digestOf(part: Uint8Array): string {
  const digest = createHash("sha256").update(part).digest("hex");
  return `unreadable-${digest.slice(0, DIGEST_CHARS)}`;
}

function propertiesOf(
  found: ReadonlyMap<string, unknown>,
  select: readonly string[],
  whole: boolean,
): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  for (const name of select) {
    if (RELATIONS.has(name)) continue;
    if (whole || found.has(name)) properties[name] = found.get(name) ?? null;
  }
  if (whole && select.includes("manager")) {
    const manager = z.looseObject({ id: ObjectId }).safeParse(found.get("manager"));
    properties["manager"] = manager.success ? { id: manager.data.id } : null;
  }
  return properties;
}

function relatedList(value: unknown): readonly RelatedObject[] | undefined {
  return z.array(RelatedObject).max(1_000).safeParse(value).data;
}

function managerOf(changes: readonly RelatedObject[]): ReferenceChange {
  const set = changes.findLast((change) => change["@removed"] === undefined);
  return {
    ...(set === undefined ? {} : { set: set.id }),
    cleared: changes.filter((change) => change["@removed"] !== undefined).map(({ id }) => id),
  };
}

function membersOf(
  groupId: string,
  readings: readonly RelatedReading[],
): { members: MemberChange[]; unreadable: { entity: EntityRef; reason: string }[] } {
  return {
    members: readings.flatMap((reading) => (reading.ok ? [reading.member] : [])),
    unreadable: readings.flatMap((reading) =>
      reading.ok
        ? []
        : [
            {
              entity: membershipRef(groupId, reading.digest),
              reason: "a member that Microsoft Graph lists has no valid id, or is too large",
            },
          ],
    ),
  };
}

function memberOf(change: RelatedObject): MemberChange {
  return {
    id: change.id,
    memberType: memberTypeOf(change["@odata.type"]),
    present: change["@removed"] === undefined,
  };
}

/** `#microsoft.graph.user` → `user`. */
function memberTypeOf(odataType: string | undefined): string | null {
  const match = /^#microsoft\.graph\.(\w{1,60})$/.exec(odataType ?? "");
  return match?.[1] ?? null;
}
