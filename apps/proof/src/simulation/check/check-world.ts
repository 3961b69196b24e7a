/**
 * Looks at everything once it is at rest: is the target what the source says, is every item accounted for exactly once,
 * is nothing left behind, has nothing gone where it must not. Knows the mapping by itself; asks the product for nothing
 * but what its users see.
 */
import { allowance, summarise } from "@postern/cloud";
import {
  type Checkpoint,
  type DeadLetter,
  type DefinitionCounter,
  entityKey,
  type EntityRef,
  type GroupName,
  type PageRecord,
  type SyncDefinition,
} from "@postern/contracts";
import type { CloudStores } from "../services/cloud-stores";
import type { FakeBroker } from "../services/fake-broker";
import type { FakeGraph } from "../services/fake-graph";
import type { FakeTarget, TargetRow } from "../services/fake-target";
import { annexPlace } from "../plan/sim-definition";
import type { History } from "./history";

export interface World {
  readonly nowMs: number;
  readonly group: GroupName;
  /** Of items that may be without an outcome: the hostile agent settled them, or their key was revoked. */
  readonly excused: (cycleId: string) => number;
  /** Entities of before the world began, which the source never had. */
  readonly bygone: ReadonlySet<string>;
  readonly definition: SyncDefinition;
  readonly graph: FakeGraph;
  readonly stores: CloudStores;
  readonly broker: FakeBroker;
  readonly target: FakeTarget;
  readonly history: History;
  readonly released: number;
}

/** What is not as it should be; empty when all is well. */
export function checkWorld(world: World): string[] {
  const resting = notAtRest(world);
  return resting.length > 0
    ? resting
    : [...checkTarget(world), ...checkAccounts(world), ...checkAudit(world), ...checkHolds(world)];
}

function notAtRest(world: World): string[] {
  const { broker, stores, definition, nowMs } = world;
  const problems: string[] = [];
  for (const [queue, depth] of broker.depths()) problems.push(`${queue} holds ${depth} messages`);
  const checkpoints = stores.progress.ofType<Checkpoint>(definition.id, "checkpoint");
  if (checkpoints.length !== 2) problems.push("the definition has no checkpoints");
  for (const { stream, phase } of checkpoints) {
    if (phase !== "settled") problems.push(`stream ${stream} is ${phase}`);
  }
  for (const record of stores.definitions.values())
    if (record.resyncDue) problems.push("a resync is due");
  if (problems.length > 0) return problems;
  for (const cycle of stores.progress.cycles(definition.id)) {
    const { pages, markers } = stores.progress.history(definition.id, [cycle.cycleId]);
    const view = summarise(cycle, pages, markers, nowMs);
    if (view.pending > 0 && view.pending <= world.excused(cycle.cycleId)) continue;
    if (view.state !== "completed") {
      problems.push(
        `cycle ${cycle.cycleId} of ${definition.id} (${cycle.kind}) is ${view.state}: ${JSON.stringify(view.streams)}, ${view.pending} of ${view.enqueued} pending`,
      );
    }
  }
  return problems;
}

// ---- target against source -----------------------------------------------------------------------------------------

function checkTarget(world: World): string[] {
  const { graph, stores, target } = world;
  const problems: string[] = [];
  const givenUp = lastGivenUp(world);
  const index = stores.index.of(world.definition.id);
  const held = (key: string): boolean => index.documents.get(key)?.value.held !== undefined;
  const compare = (
    entity: EntityRef,
    expected: Record<string, unknown> | undefined,
    excused: boolean,
  ): void => {
    const key = entityKey(entity);
    const row = target.inbox.get(key)?.row;
    if (excused) return;
    if (sameRow(row, expected)) return;
    if (held(key)) {
      // A removal of an earlier version may have been released, and what brought it back is held as a disable.
      const version = index.documents.get(key)?.value.held ?? Infinity;
      const reached = (target.inbox.get(key)?.version ?? 0) >= version;
      if (row === undefined && reached && !target.poison.has(key))
        problems.push(`${key} is held, and gone from the target`);
      return;
    }
    if (givenUp.has(key)) return;
    problems.push(
      `${key}: the source says ${text(expected)}, the target has ${text(row?.values)}; index: ${text(index.documents.get(key)?.value)}`,
    );
  };
  const seen = new Set<string>();
  for (const object of graph.objects.values()) {
    const { type, id } = object;
    seen.add(entityKey({ type, id }));
    compare({ type, id }, type === "user" ? userRow(world, id) : groupRow(graph, id), false);
    if (world.definition.memberships === undefined) continue;
    for (const memberId of object.members.keys()) {
      const entity: EntityRef = { type: "membership", id: `${id}/${memberId}` };
      seen.add(entityKey(entity));
      const expected = graph.hasMember(id, memberId) ? {} : undefined;
      compare(entity, expected, held(`group:${id}`) || held(`user:${memberId}`));
    }
  }
  for (const [key, { row }] of target.inbox) {
    if (row !== undefined && !seen.has(key) && !world.bygone.has(key))
      problems.push(`the target has ${key}, which never was`);
  }
  return problems;
}

/** Entities of which the newest dead letter waits for somebody, or was discarded. */
function lastGivenUp(world: World): ReadonlySet<string> {
  const newest = new Map<string, DeadLetter>();
  for (const letter of lettersOf(world)) {
    if (letter.entity === null) continue;
    const key = letter.entity.replace("/", ":");
    const known = newest.get(key);
    if ((known?.version ?? 0) <= (letter.version ?? 0)) newest.set(key, letter);
  }
  const open = [...newest].filter(([, { state }]) => state !== "replayed");
  return new Set(open.map(([key]) => key));
}

/** Of the hostile agent's group only what counts: what proves nothing names no cycle and is kept for people to see. */
function lettersOf({ stores, group }: World): DeadLetter[] {
  const annex = group === annexPlace.group;
  return [...stores.deadLetters.values()].filter((letter) =>
    letter.group === annexPlace.group ? annex && letter.cycleId !== null : !annex,
  );
}

function userRow({ graph, definition }: World, id: string): Record<string, unknown> | undefined {
  if (!graph.exists(id) || graph.valueOf(id, "department") === "External") return undefined;
  const row: Record<string, unknown> = {
    display_name: graph.valueOf(id, "displayName"),
    department: graph.valueOf(id, "department"),
    manager_id: graph.valueOf(id, "manager"),
    enabled: graph.valueOf(id, "accountEnabled"),
  };
  const columns = definition.users?.columns ?? {};
  if ("title" in columns) row["title"] = graph.valueOf(id, "displayName");
  const { resynced } = columns;
  if (typeof resynced === "string") row["resynced"] = JSON.parse(resynced);
  return row;
}

function groupRow(graph: FakeGraph, id: string): Record<string, unknown> | undefined {
  return graph.exists(id) ? { display_name: graph.valueOf(id, "displayName") } : undefined;
}

function sameRow(
  row: TargetRow | undefined,
  expected: Record<string, unknown> | undefined,
): boolean {
  if (row === undefined || expected === undefined)
    return (row === undefined) === (expected === undefined);
  const names = Object.keys(expected);
  return (
    names.length === Object.keys(row.values).length &&
    names.every((name) => row.values[name] === expected[name])
  );
}

const text = (values: object | undefined): string =>
  values === undefined ? "nothing" : JSON.stringify(values);

// ---- every item once ------------------------------------------------------------------------------------------------

function checkAccounts(world: World): string[] {
  const { stores, definition, history, nowMs } = world;
  const problems: string[] = [];
  const pages = stores.progress.ofType<PageRecord>(definition.id, "page");
  const items = new Map<number, Set<string>>();
  // Sent, and then the process ended and a newer state withdrew the hold before anyone asked for the release again:
  // nobody has counted it, and superseding it harms nothing.
  const uncounted = new Set(
    [...history.work.keys()].filter(
      (messageId) =>
        messageId.endsWith("#release-1") &&
        !stores.progress
          .container(definition.id)
          .documents.has(`released:marker:${messageId.replace("#", "_")}`),
    ),
  );
  for (const { version, messageId, items: sent } of history.work.values()) {
    // A retry is the same item once more.
    if (messageId.includes("~") || uncounted.has(messageId)) continue;
    const known = items.get(version) ?? new Set();
    for (const { itemId } of sent) known.add(itemId);
    items.set(version, known);
  }
  for (const { version, count } of pages) {
    const sent = items.get(version)?.size ?? 0;
    if (sent !== count)
      problems.push(`page ${version} counts ${count} items, the queue took ${sent}`);
  }
  for (const cycle of stores.progress.cycles(definition.id)) {
    const of = stores.progress.history(definition.id, [cycle.cycleId]);
    const markers = of.markers.filter(
      ({ workMessageId }) => !uncounted.has(releaseOf(workMessageId)),
    );
    const view = summarise(cycle, of.pages, markers, nowMs);
    const final =
      view.applied +
      view.unchanged +
      view.superseded +
      view.deadLettered +
      view.outcomeUnknown +
      view.cancelled;
    const missing = view.enqueued - final;
    if (missing < 0 || missing > world.excused(cycle.cycleId)) {
      problems.push(
        `cycle ${cycle.cycleId} of ${definition.id}: ${view.enqueued} items and ${final} outcomes`,
      );
    }
    const letters = lettersOf(world).filter(
      ({ itemId, messageId, cycleId, version, state, outcome }) =>
        itemId !== null &&
        outcome !== "outcome-unknown" &&
        !uncounted.has(releaseOf(messageId ?? "")) &&
        cycleId === cycle.cycleId &&
        state !== "replayed" &&
        // Those of an abandoned page count nowhere.
        of.pages.some((page) => page.version === version),
    );
    if (letters.length !== view.deadLettered) {
      problems.push(
        `cycle ${cycle.cycleId} of ${definition.id}: ${view.deadLettered} dead-lettered, ${letters.length} dead letters`,
      );
    }
  }
  for (const { entity, code } of lettersOf(world)) {
    if (
      world.group === annexPlace.group ||
      code === "target-rejected" ||
      code === "retries-exhausted"
    )
      continue;
    problems.push(`an unexpected dead letter: ${entity ?? "?"} ${code}`);
  }
  return problems;
}

/** The release that a retry or a replay goes back to, if it does. */
function releaseOf(workMessageId: string): string {
  return workMessageId
    .replace(/~[0-9a-f]{16}#\d+$/, "#release-1")
    .replace(/\.d-([0-9a-f]{24})#re(?:play|lease)-\d+$/, ".r-$1#release-1");
}

/** Nothing goes out again without a trace of who sent it. */
function checkAudit({ stores, history }: World): string[] {
  const audited = new Set([...stores.audit.values()].map(({ change }) => change?.["messageId"]));
  return [...history.work.keys()]
    .filter((messageId) => /#replay-\d+$/.test(messageId) && !audited.has(messageId))
    .map((messageId) => `${messageId} was sent again, and the audit trail does not say by whom`);
}

// ---- the breaker ----------------------------------------------------------------------------------------------------

function checkHolds({ stores, definition, history, released }: World): string[] {
  const problems: string[] = [];
  const holds = stores.holds.of(definition.id);
  for (const entry of stores.index.of(definition.id).values()) {
    if (entry.held !== undefined && !holds.documents.has(`${entry.id}@${entry.held}`))
      problems.push(`${entry.id} is held in the index, but no hold says so`);
  }
  const [counter] = stores.progress.ofType<DefinitionCounter>(definition.id, "counter");
  const allowed = allowance(definition.deletes, counter?.sent ?? 0) + released;
  if (history.removals.size > allowed) {
    problems.push(
      `${history.removals.size} deletes and disables reached the target, ${allowed} were allowed`,
    );
  }
  return problems;
}
