/** What Microsoft Graph answers, taken as hostile: checked, bounded, and cut down to what was asked for. */
import { z } from "zod";
import { limits, type StreamName } from "@postern/contracts";
import { ObjectId } from "./object-id";
import {
  type MemberChange,
  type ReferenceChange,
  type SourceChange,
  SourceError,
  type SourcePage,
} from "../../ports/source";

const Removed = z.object({ reason: z.string().max(50).optional() });
const Link = z.string().min(1).max(limits.linkChars);

const RelatedObject = z.looseObject({
  id: ObjectId,
  "@odata.type": z.string().max(200).optional(),
  "@removed": Removed.optional(),
});

const ChangedObject = z.looseObject({
  id: ObjectId,
  "@removed": Removed.optional(),
  "manager@delta": z.array(RelatedObject).max(1_000).optional(),
  "members@delta": z.array(RelatedObject).max(20_000).optional(),
});
type ChangedObject = z.infer<typeof ChangedObject>;

const DeltaPage = z.object({
  value: z.array(ChangedObject).max(10_000),
  "@odata.nextLink": Link.optional(),
  "@odata.deltaLink": Link.optional(),
});

const MemberPage = z.object({
  value: z.array(RelatedObject).max(2_000),
  "@odata.nextLink": Link.optional(),
});

const SingleObject = z.looseObject({
  id: ObjectId,
  manager: z.looseObject({ id: ObjectId }).nullish(),
});

/** Links are followed with our token: only to where the client talks anyway. */
function sameOrigin(link: string, baseUrl: string): boolean {
  try {
    return new URL(link).origin === new URL(baseUrl).origin;
  } catch {
    return false;
  }
}

export function deltaPageOf(
  body: unknown,
  stream: StreamName,
  select: readonly string[],
  baseUrl: string,
): SourcePage {
  const page = checked(DeltaPage, body);
  const nextLink = page["@odata.nextLink"] ?? null;
  const deltaLink = nextLink === null ? (page["@odata.deltaLink"] ?? null) : null;
  if (nextLink === null && deltaLink === null) {
    throw new SourceError("refused", "a delta page has neither a nextLink nor a deltaLink");
  }
  if (!sameOrigin(nextLink ?? deltaLink ?? "", baseUrl)) {
    throw new SourceError("refused", "a delta page links to another host");
  }
  const type = stream === "users" ? "user" : "group";
  return {
    changes: page.value.map((object) => changeOf(object, type, select)),
    nextLink,
    deltaLink,
  };
}

function changeOf(
  object: ChangedObject,
  type: "user" | "group",
  select: readonly string[],
): SourceChange {
  const { id } = object;
  const removed = object["@removed"];
  if (removed !== undefined) {
    return {
      type,
      id,
      // Anything but a final deletion may come back.
      removed: removed.reason === "deleted" ? "deleted" : "changed",
      properties: {},
    };
  }
  const managers = object["manager@delta"];
  const members = object["members@delta"];
  return {
    type,
    id,
    properties: propertiesOf(object, select),
    ...(managers === undefined ? {} : { manager: managerOf(managers) }),
    ...(members === undefined ? {} : { members: members.map(memberOf) }),
  };
}

const relations = new Set(["manager", "members"]);

function propertiesOf(
  object: Readonly<Record<string, unknown>>,
  select: readonly string[],
): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  for (const name of select) {
    if (relations.has(name) || !Object.hasOwn(object, name)) continue;
    properties[name] = object[name] ?? null;
  }
  return properties;
}

function managerOf(changes: readonly z.infer<typeof RelatedObject>[]): ReferenceChange {
  const set = changes.findLast((change) => change["@removed"] === undefined);
  return {
    ...(set === undefined ? {} : { set: set.id }),
    cleared: changes.filter((change) => change["@removed"] !== undefined).map(({ id }) => id),
  };
}

function memberOf(change: z.infer<typeof RelatedObject>): MemberChange {
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

/** A direct read: everything that was asked for and is not there has no value. */
export function objectOf(
  body: unknown,
  type: "user" | "group",
  select: readonly string[],
): SourceChange {
  const object = checked(SingleObject, body);
  const properties: Record<string, unknown> = {};
  for (const name of select) {
    if (!relations.has(name)) {
      properties[name] = Object.hasOwn(object, name) ? (object[name] ?? null) : null;
    }
  }
  if (select.includes("manager")) {
    properties["manager"] = object.manager ? { id: object.manager.id } : null;
  }
  return { type, id: object.id, properties };
}

export function memberPageOf(body: unknown): {
  readonly members: readonly MemberChange[];
  readonly nextLink: string | null;
} {
  const page = checked(MemberPage, body);
  return { members: page.value.map(memberOf), nextLink: page["@odata.nextLink"] ?? null };
}

function checked<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SourceError(
    "refused",
    `Microsoft Graph answered something else than documented: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
  );
}
