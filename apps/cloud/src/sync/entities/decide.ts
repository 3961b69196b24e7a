/**
 * From the index before and after a work page to what the target should hold. Levels, not edges: the same entry always
 * gives the same desired state, whatever path led to it. The one thing that needs an edge (memberships follow their
 * group and their member) is remembered in the entry, for a page that is read again.
 */
import type { ErrorCode, IndexEntry } from "@postern/contracts";
import {
  type CompiledDefinition,
  type CompiledMapping,
  isInScope,
  mapEntity,
  MappingFailure,
} from "../mapping/compiled-definition";
import type { ExpressionBudget } from "../mapping/expression-budget";
import { membershipProperties } from "./index-merge";
import type { Standing } from "../../ports/stores";
import type { ColumnValue } from "../mapping/mapping-expression";

export interface DecisionContext {
  readonly compiled: CompiledDefinition;
  /** Versions of pages that were committed, of those that noted something about the entities at hand. */
  readonly committed: ReadonlySet<number>;
  /** What the expressions of the next entity may cost; a whole budget when absent. */
  readonly budget?: () => ExpressionBudget;
}

export interface PresentItem {
  readonly kind: "present";
  readonly key: Readonly<Record<string, ColumnValue>>;
  readonly values: Readonly<Record<string, ColumnValue>>;
  readonly watched: Readonly<Record<string, ColumnValue>>;
  /** Column whose change to false the breaker has to pass. */
  readonly counted: string | undefined;
}

export interface AbsentItem {
  readonly kind: "absent";
  readonly key: Readonly<Record<string, unknown>>;
  readonly counted: "delete" | undefined;
}

export type Decision =
  | PresentItem
  | AbsentItem
  | { readonly kind: "nothing" }
  /** A dead letter: the entity cannot be read or mapped. */
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly reason: string };

/** One entity of a work page: what the index said, what it is to say. */
export interface Draft {
  readonly before: IndexEntry | undefined;
  etag: string | undefined;
  after: IndexEntry;
  decision: Decision;
}

/** Gone for its memberships as their member: the source has removed it and the removal is not held. */
export function memberGone(entry: Standing | undefined): boolean {
  return entry !== undefined && !entry.exists && entry.held === undefined;
}

/** Gone for its memberships as their group: removed or out of scope, and not held. */
export function groupGone(entry: Standing | undefined): boolean {
  return entry !== undefined && !(entry.exists && entry.inScope) && entry.held === undefined;
}

/** Decides for a user or group. Sets `inScope` of the entry after. */
export function decideObject(
  before: IndexEntry | undefined,
  after: IndexEntry,
  context: DecisionContext,
): Decision {
  const mapping = context.compiled.mappings[after.entity.type];
  if (mapping !== undefined && after.exists && after.unread !== undefined) {
    // What the target has of it stays: nothing is known that could be written.
    return { kind: "failed", code: "object-unreadable", reason: after.unread };
  }
  if (mapping === undefined) {
    // Groups are indexed for their memberships also when they are not mapped themselves.
    after.inScope = after.exists;
    return { kind: "nothing" };
  }
  const budget = context.budget?.();
  try {
    // A removed entity keeps its last scope: a restore decides it again.
    if (after.exists) after.inScope = isInScope(mapping, after.source, budget);
    if (!after.exists || !after.inScope) return decideAbsent(before, after, true);
    return decidePresent(mapping, before, after.source, budget);
  } catch (error) {
    if (error instanceof MappingFailure)
      return { kind: "failed", code: "mapping-failed", reason: error.message };
    throw error;
  }
}

export interface MembershipEnds {
  readonly group: Standing | undefined;
  readonly member: Standing | undefined;
}

/** Decides for a membership: there if the source says so, its group is there and its member is not known to be gone. */
export function decideMembership(
  before: IndexEntry | undefined,
  after: IndexEntry,
  ends: MembershipEnds,
  context: DecisionContext,
): Decision {
  const mapping = context.compiled.mappings.membership;
  if (mapping === undefined) return { kind: "nothing" };
  const budget = context.budget?.();
  const derived = groupGone(ends.group) || memberGone(ends.member);
  try {
    const properties = membershipProperties(after);
    after.inScope = isInScope(mapping, properties, budget);
    if (derived || !after.exists || !after.inScope) return decideAbsent(before, after, !derived);
    return decidePresent(mapping, before, properties, budget);
  } catch (error) {
    if (error instanceof MappingFailure)
      return { kind: "failed", code: "mapping-failed", reason: error.message };
    throw error;
  }
}

function decideAbsent(
  before: IndexEntry | undefined,
  after: IndexEntry,
  countable: boolean,
): Decision {
  // Never sent: there is nothing of ours to delete.
  if (!after.sent || after.targetKey === undefined) return { kind: "nothing" };
  return {
    kind: "absent",
    key: after.targetKey,
    counted: countable && before?.desired !== "absent" ? "delete" : undefined,
  };
}

function decidePresent(
  mapping: CompiledMapping,
  before: IndexEntry | undefined,
  properties: Readonly<Record<string, unknown>>,
  budget: ExpressionBudget | undefined,
): Decision {
  const { key, values } = mapEntity(mapping, properties, budget);
  if (before?.sent === true && before.desired === "present" && before.targetKey !== undefined) {
    const changed = Object.keys(key).find((name) => key[name] !== before.targetKey?.[name]);
    if (changed !== undefined) {
      throw new MappingFailure(
        `key column '${changed}': the value has changed, and a key must stay the same for the entity's whole life`,
      );
    }
  }
  const watched: Record<string, ColumnValue> = {};
  for (const name of mapping.watched) watched[name] = values[name] ?? key[name] ?? null;
  const counted =
    before?.desired === "present"
      ? mapping.watched.find((name) => before.watched?.[name] === true && watched[name] === false)
      : undefined;
  return { kind: "present", key, values, watched, counted };
}

/** The item goes out (or there is nothing to send): the index says what the target is going to hold. */
export function settle(draft: Draft, context: DecisionContext): void {
  const { after, decision } = draft;
  if (decision.kind === "present" || decision.kind === "absent") {
    after.sent = true;
    after.desired = decision.kind;
    after.targetKey = { ...decision.key };
    if (decision.kind === "present") after.watched = { ...decision.watched };
  }
  // Also when nothing is sent: the held item is of an older state and can no longer be released.
  delete after.held;
  noteFollow(draft, context);
}

/** The breaker holds the item: the index keeps saying what the target has. */
export function hold(draft: Draft, context: DecisionContext): void {
  draft.after.held = draft.after.version;
  noteFollow(draft, context);
}

function noteFollow({ before, after }: Draft, { committed }: DecisionContext): void {
  const owed =
    before?.follow === "once-more" ||
    (before?.follow === "until-committed" && !committed.has(before.version));
  const arrived = before === undefined && !memberGone(after) && !groupGone(after);
  const moved = memberGone(before) !== memberGone(after) || groupGone(before) !== groupGone(after);
  if (after.entity.type !== "membership" && (owed || (moved && !arrived))) {
    after.follow = "until-committed";
  } else {
    delete after.follow;
  }
}

/** Whether memberships of (or with) this entity have to be looked at again. */
export function followsMemberships(draft: Draft): boolean {
  return draft.after.follow !== undefined;
}
