/**
 * Folds what a source reports into the entity index. Reports come in parts, repeated, and with unchanged properties
 * left out; parts of one round hold values as they were when read, so that folding them in any order, any number of
 * times gives the same entry.
 */
import {
  clip,
  type DefinitionId,
  entityKey,
  type EntityRef,
  type IndexEntry,
  laneOf,
  limits,
  membershipRef,
} from "@postern/contracts";
import type { MemberChange, SourceChange } from "../../ports/source";

export interface MergeContext {
  readonly definition: DefinitionId;
  readonly version: number;
  readonly generation: number;
}

/** All that one work page says about one user or group, in order. */
export interface ObjectTouch {
  readonly ref: EntityRef;
  readonly key: string;
  readonly changes: SourceChange[];
  /** The enumeration has ended: properties that it has not shown again are gone. */
  clearUnseen: boolean;
  /** Found by a sweep, not reported by the source. */
  swept: boolean;
}

/** What one work page says last about one membership. */
export interface MembershipTouch {
  readonly ref: EntityRef;
  readonly key: string;
  readonly groupId: string;
  readonly memberId: string;
  readonly memberType: string | null;
  readonly present: boolean;
  readonly swept?: boolean;
}

export interface Touches {
  readonly objects: ReadonlyMap<string, ObjectTouch>;
  readonly memberships: ReadonlyMap<string, MembershipTouch>;
}

/** What an enumeration has left behind, as touches: gone, or shown without some of its properties. */
export interface LeftBehind {
  readonly gone: readonly IndexEntry[];
  readonly partial: readonly IndexEntry[];
}

export function collectTouches(
  changes: readonly SourceChange[],
  leftBehind: LeftBehind = { gone: [], partial: [] },
): Touches {
  const objects = new Map<string, ObjectTouch>();
  const memberships = new Map<string, MembershipTouch>();
  const touchObject = (ref: EntityRef): ObjectTouch => {
    const key = entityKey(ref);
    const known = objects.get(key);
    if (known !== undefined) return known;
    const made: ObjectTouch = { ref, key, changes: [], clearUnseen: false, swept: false };
    objects.set(key, made);
    return made;
  };
  const touchMember = (groupId: string, member: MemberChange, swept = false): void => {
    const ref = membershipRef(groupId, member.id);
    const key = entityKey(ref);
    memberships.set(key, {
      ref,
      key,
      groupId,
      memberId: member.id,
      // A removal often comes without the type that the addition had.
      memberType: member.memberType ?? memberships.get(key)?.memberType ?? null,
      present: member.present,
      swept,
    });
  };
  for (const change of changes) {
    if (change.membersOnly !== true) {
      touchObject({ type: change.type, id: change.id }).changes.push(change);
    }
    for (const member of change.members ?? []) touchMember(change.id, member);
  }
  for (const entry of leftBehind.gone) {
    if (entry.entity.type === "membership") {
      const { groupId, memberId } = endsOf(entry);
      touchMember(groupId, { id: memberId, memberType: null, present: false }, true);
    } else {
      const { type, id } = entry.entity;
      const touch = touchObject(entry.entity);
      touch.changes.push({ type, id, removed: "changed", properties: {} });
      touch.swept = true;
    }
  }
  for (const entry of leftBehind.partial) {
    const touch = touchObject(entry.entity);
    touch.clearUnseen = true;
    touch.swept = true;
  }
  return { objects, memberships };
}

export function endsOf(entry: IndexEntry): { groupId: string; memberId: string } {
  const [groupId = "", memberId = ""] = entry.entity.id.split("/");
  return { groupId: entry.groupId ?? groupId, memberId: entry.memberId ?? memberId };
}

function blankEntry(ref: EntityRef, key: string, context: MergeContext): IndexEntry {
  return {
    id: key,
    lane: laneOf(context.definition, ref),
    entity: ref,
    source: {},
    exists: false,
    inScope: false,
    sent: false,
    version: context.version,
    generation: context.generation,
  };
}

export function mergeObject(
  before: IndexEntry | undefined,
  touch: ObjectTouch,
  context: MergeContext,
): IndexEntry {
  const { version } = context;
  // A generation never falls: that would make a swept-up entry of one that was seen.
  const generation = Math.max(context.generation, before?.generation ?? 0);
  const entry = { ...(before ?? blankEntry(touch.ref, touch.key, context)), version, generation };
  // The first sight of a known entity by a new enumeration: what it does not show again will have to go.
  const newlySeen = before !== undefined && before.generation < generation;
  let unseen = newlySeen ? Object.keys(before.source) : [...(before?.unseen ?? [])];
  let source: Record<string, unknown> = entry.source;
  for (const change of touch.changes) {
    if (change.refused !== undefined) {
      // It is there, with values that nobody knows: none is taken for gone.
      entry.exists = true;
      delete entry.removed;
      entry.unread = clip(change.refused, limits.failureChars);
      source = { ...source, ...change.properties };
      unseen = [];
      continue;
    }
    delete entry.unread;
    if (change.removed !== undefined) {
      entry.exists = false;
      entry.removed = change.removed;
      unseen = [];
      continue;
    }
    entry.exists = true;
    delete entry.removed;
    source = { ...source, ...change.properties };
    const shown = new Set(Object.keys(change.properties));
    if (change.manager !== undefined) {
      source = { ...source, manager: mergeReference(source["manager"], change.manager) };
      shown.add("manager");
    }
    if (unseen.length > 0) unseen = unseen.filter((name) => !shown.has(name));
  }
  if (touch.clearUnseen && unseen.length > 0) {
    const gone = new Set(unseen);
    source = Object.fromEntries(Object.entries(source).filter(([name]) => !gone.has(name)));
    unseen = [];
  }
  entry.source = source;
  if (unseen.length > 0) entry.unseen = unseen;
  else delete entry.unseen;
  if (touch.swept) entry.swept = version;
  else delete entry.swept;
  return entry;
}

function mergeReference(
  current: unknown,
  change: { set?: string; cleared: readonly string[] },
): { id: string } | null {
  if (change.set !== undefined) return { id: change.set };
  const id = referenceId(current);
  // "A is gone" does not clear a reference that points to B by now.
  return id === undefined || change.cleared.includes(id) ? null : { id };
}

function referenceId(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("id" in value)) return undefined;
  return typeof value.id === "string" ? value.id : undefined;
}

export function mergeMembership(
  before: IndexEntry | undefined,
  touch: MembershipTouch,
  context: MergeContext,
): IndexEntry {
  const { version } = context;
  const generation = Math.max(context.generation, before?.generation ?? 0);
  const { groupId, memberId } = touch;
  const entry = before ?? blankEntry(touch.ref, touch.key, context);
  const memberType = touch.memberType ?? entry.source["memberType"] ?? null;
  const { swept: _swept, ...rest } = entry;
  return {
    ...rest,
    ...(touch.swept === true ? { swept: version } : {}),
    source: { memberType },
    exists: touch.present,
    version,
    generation,
    groupId,
    memberId,
  };
}

/** Properties that a membership's expressions see. */
export function membershipProperties(entry: IndexEntry): Record<string, unknown> {
  const { groupId, memberId } = endsOf(entry);
  const memberType = entry.source["memberType"] ?? null;
  return {
    group: { id: groupId },
    member: { id: memberId, type: memberType },
    groupId,
    memberId,
    memberType,
  };
}
