/**
 * Whether a dead letter can be sent again: its payload is checked against the current schema, and the item against the
 * current definition and worker groups. One that cannot is refused with a way out, and stays open.
 */
import {
  contentHash,
  CycleId,
  type DeadLetter,
  type DefinitionId,
  type EntityMapping,
  type FieldProblem,
  fieldProblems,
  type IndexEntry,
  itemIdOf,
  limits,
  type SyncDefinition,
  Version,
  type WorkerGroup,
  WorkItem,
} from "@postern/contracts";
import type { MakeIndexedItem } from "../../ports/indexed-item";
import { readJson } from "@postern/input";
import { maxItemBytes } from "../../work/work-messages";

/** Columns named in one refusal; after a mapping has changed, all of an item's columns may differ. */
const COLUMNS_NAMED = 20;

export interface ReplayableItem {
  readonly item: WorkItem;
  readonly definition: SyncDefinition;
  readonly cycleId: CycleId;
}

export type Validation =
  | { readonly ok: true; readonly value: ReplayableItem }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

export interface Present {
  readonly definitions: ReadonlyMap<string, SyncDefinition>;
  readonly groups: readonly WorkerGroup[];
  /** Entries of the entities of letters that prove nothing, by the letters' ids. */
  readonly entries: ReadonlyMap<string, IndexEntry>;
  readonly indexedItem: MakeIndexedItem;
}

const sections = { user: "users", group: "groups", membership: "memberships" } as const;

export function validateReplay(letter: DeadLetter, present: Present): Validation {
  const cycleId = CycleId.safeParse(letter.cycleId);
  if (!cycleId.success) {
    return refused("cycleId", "the dead letter does not say which cycle it counts in", rereadHint);
  }
  const definition = present.definitions.get(letter.definition ?? "");
  if (definition === undefined) {
    return refused(
      "definition",
      `the sync definition '${letter.definition ?? ""}' no longer exists`,
      "discard the dead letter, or apply the definition again",
    );
  }
  // What an agent gave back counts only where it proves to be what was sent; else the index says what that was.
  const read = letter.proven ? readItem(letter) : readIndex(letter, definition, present);
  if (!read.ok) return read;
  const { item } = read;
  const problems = [
    ...placeProblems(letter, definition, present.groups),
    ...identityProblems(item, definition.id),
    ...mappingProblems(item, definition),
  ];
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { item, definition, cycleId: cycleId.data } };
}

const rereadHint =
  "have the entity read again by a job of kind sync.entities, then discard the dead letter";

function refused(field: string, problem: string, hint: string): Validation & { ok: false } {
  return { ok: false, problems: [{ field, problem, hint }] };
}

function readItem(
  letter: DeadLetter,
): { readonly ok: true; readonly item: WorkItem } | (Validation & { ok: false }) {
  if (letter.itemId === null) {
    const hint =
      letter.entity === null
        ? "a whole message cannot be replayed: its sender has to send it again; discard the dead letter"
        : `the entity could not be mapped to an item: correct the mapping or the source; ${rereadHint}`;
    return refused("itemId", "the dead letter contains no work item", hint);
  }
  if (letter.payloadTruncated) {
    return refused("payload", "only its first 64 KB were kept", rereadHint);
  }
  const reading = readJson(letter.payload);
  if (!reading.ok) return refused("payload", "is not JSON", rereadHint);
  const parsed = WorkItem.safeParse(reading.value);
  if (parsed.success) return { ok: true, item: parsed.data };
  const problems = fieldProblems(parsed.error, Object.keys(WorkItem.shape)).map(
    ({ field, problem }) => ({
      field: field.replace(/^\$/, "payload"),
      problem,
      hint: rereadHint,
    }),
  );
  return { ok: false, problems };
}

function readIndex(
  letter: DeadLetter,
  definition: SyncDefinition,
  { entries, indexedItem }: Present,
): { readonly ok: true; readonly item: WorkItem } | (Validation & { ok: false }) {
  if (letter.itemId === null) return readItem(letter);
  const indexed = indexedItem(definition, entries.get(letter.id));
  const unproven = (problem: string): Validation & { ok: false } =>
    refused(
      "payload",
      `does not prove to be what was sent, and the index has nothing to send instead: ${problem}`,
      rereadHint,
    );
  if (!indexed.ok) return unproven(indexed.problem);
  const { item } = indexed;
  const version = Version.safeParse(letter.version).data;
  if (version !== undefined && item.version > version) {
    // It is on its way already, and supersedes this one, which is not sent.
    const itemId = itemIdOf(definition.id, item.entity, version);
    return { ok: true, item: { ...item, itemId, version } };
  }
  // The mapping or the source may have changed since: one version never has two contents.
  if (item.version !== version || item.hash !== letter.hash) {
    return unproven("it would be another item than the one that was sent");
  }
  return indexed;
}

function placeProblems(
  letter: DeadLetter,
  definition: SyncDefinition,
  groups: readonly WorkerGroup[],
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!definition.enabled) {
    problems.push({
      field: "definition",
      problem: `the sync definition '${definition.id}' is disabled`,
      hint: "enable it, then replay",
    });
  }
  if (letter.group !== definition.group) {
    problems.push({
      field: "group",
      problem: `the item was given up by group '${letter.group}', but the definition is now of group '${definition.group}'`,
      hint: "discard it: the definition has sent the entity to its group",
    });
  }
  const group = groups.find(({ name }) => name === definition.group);
  if (group === undefined || !group.targets.includes(definition.target)) {
    const known = groups.flatMap(({ name, targets }) => targets.map((one) => `${name}/${one}`));
    problems.push({
      field: "target",
      problem: `group '${definition.group}' no longer has a target '${definition.target}'`,
      hint: `known: ${known.join(", ") || "none"}; add it to WORKER_GROUPS or change the definition`,
    });
  }
  if (letter.target !== null && letter.target !== definition.target) {
    problems.push({
      field: "target",
      problem: `the item was made for '${letter.target}', but the definition now writes to '${definition.target}'`,
      hint: "discard it: the resync of the definition has already sent the entity again",
    });
  }
  return problems;
}

/** An item that does not match its id and hash has been tampered with. */
function identityProblems(item: WorkItem, definition: DefinitionId): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const hint = rereadHint;
  if (item.itemId !== itemIdOf(definition, item.entity, item.version)) {
    problems.push({
      field: "payload.itemId",
      problem: "does not name the version of this entity",
      hint,
    });
  }
  if (item.hash !== contentHash(item)) {
    problems.push({ field: "payload.hash", problem: "does not match the content", hint });
  }
  if (Buffer.byteLength(JSON.stringify(item)) > maxItemBytes) {
    problems.push({
      field: "payload",
      problem: `is larger than a message of ${limits.messageBytes} bytes can carry`,
      hint,
    });
  }
  return problems;
}

function mappingProblems(item: WorkItem, definition: SyncDefinition): FieldProblem[] {
  const section = sections[item.entity.type];
  const mapping: EntityMapping | undefined = definition[section];
  const hint =
    "the mapping has changed since: discard it, because the resync has already sent the entity again";
  if (mapping === undefined) {
    return [{ field: section, problem: "the definition no longer maps these", hint }];
  }
  if (mapping.object !== item.object) {
    const problem = `the definition now writes to '${mapping.object}', the item to '${item.object}'`;
    return [{ field: `${section}.object`, problem, hint }];
  }
  const unmapped = [
    ...Object.keys(item.key).filter((name) => !Object.hasOwn(mapping.key, name)),
    ...Object.keys(item.values).filter((name) => !Object.hasOwn(mapping.columns, name)),
  ];
  const missing = Object.keys(mapping.key).filter((name) => !Object.hasOwn(item.key, name));
  return [...unmapped, ...missing].slice(0, COLUMNS_NAMED).map((name) => ({
    field: `${section}.${name}`,
    problem: unmapped.includes(name)
      ? "the definition no longer maps this column"
      : "the definition has this key column, but the item does not",
    hint,
  }));
}
