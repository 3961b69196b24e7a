import { noTracing } from "@postern/runtime";
import {
  type Checkpoint,
  checkpointId,
  type CycleId,
  type DeadLetter,
  type DefinitionCounter,
  type DefinitionId,
  entityKey,
  type Hold,
  type IndexEntry,
  LANE_COUNT,
  lanesOf,
  type Marker,
  type Version,
} from "@postern/contracts";
import type {
  IndexStore,
  ProgressDocument,
  ProgressOperation,
  ProgressStore,
  Stored,
  TransactionResult,
} from "../src/ports/stores";
import type { OutgoingMessage } from "../src/ports/message-bus";
import type { SourceChange } from "../src/ports/source";
import type { SyncPorts } from "../src/ports/cloud-ports";
import { testKeys } from "./test-keys";

/**
 * Ports over maps, for property tests of decisions: etags as strict as the service's, time and order in the test's
 * hand.
 */
export interface MemoryPorts extends SyncPorts {
  readonly entries: Map<string, Stored<IndexEntry>>;
  readonly documents: Map<string, Stored<ProgressDocument>>;
  readonly held: Map<string, Hold>;
  readonly letters: DeadLetter[];
  readonly sent: OutgoingMessage[];
  /** The source's answer to a read of one object. */
  object: (type: "user" | "group", id: string) => SourceChange | undefined;
  nowMs: number;
  /** Awaited before every operation of a store: where other work may come in between. */
  pause: () => Promise<void>;
}

export function memoryPorts(): MemoryPorts {
  const entries = new Map<string, Stored<IndexEntry>>();
  const documents = new Map<string, Stored<ProgressDocument>>();
  const held = new Map<string, Hold>();
  const letters: DeadLetter[] = [];
  const sent: OutgoingMessage[] = [];
  let etags = 0;
  const copy = <T>(value: T): T => structuredClone(value);
  const nextEtag = (): string => String((etags += 1));

  const index: IndexStore = {
    read: async (definition, refs) => {
      await ports.pause();
      const found = new Map<string, Stored<IndexEntry>>();
      for (const ref of refs) {
        const stored = entries.get(`${definition} ${entityKey(ref)}`);
        if (stored !== undefined) found.set(stored.value.id, copy(stored));
      }
      return found;
    },
    standings: async (definition, refs) =>
      new Map([...(await index.read(definition, refs))].map(([key, { value }]) => [key, value])),
    write: async (writes) => {
      const written = new Map<string, string>();
      for (const { entry, etag } of writes) {
        // Each write on its own, as in bulk: others come in between.
        if (writes.length > 1) await ports.pause();
        const key = `${definitionOf(entry)} ${entry.id}`;
        if (entries.get(key)?.etag !== etag) return undefined;
        const stored = { value: copy(entry), etag: nextEtag() };
        entries.set(key, stored);
        written.set(entry.id, stored.etag);
      }
      return written;
    },
    membershipsOf: async (definition, { groupIds, memberIds }) => {
      await ports.pause();
      return ofDefinition(definition).filter(
        ({ value }) =>
          (value.groupId !== undefined && groupIds.includes(value.groupId)) ||
          (value.memberId !== undefined && memberIds.includes(value.memberId)),
      );
    },
    leftBehind: async (definition, types, { generation, comparedFrom }, limit) => {
      await ports.pause();
      return ofDefinition(definition)
        .filter(
          ({ value }) =>
            types.includes(value.entity.type) &&
            ((value.generation < generation && (value.exists || value.version > comparedFrom)) ||
              (value.generation === generation && value.unseen !== undefined) ||
              value.swept !== undefined),
        )
        .slice(0, limit);
    },
    countHeld: async (definition) =>
      ofDefinition(definition).filter((entry) => entry.value.held !== undefined).length,
  };
  const ofDefinition = (definition: DefinitionId): Stored<IndexEntry>[] => {
    const lanes = new Set<string>(lanesOf(definition));
    return [...entries.values()].filter(({ value }) => lanes.has(value.lane)).map(copy);
  };

  const progress: ProgressStore = {
    checkpoint: async (definition, stream) => point<Checkpoint>(definition, checkpointId(stream)),
    counter: async (definition) => point<DefinitionCounter>(definition, "counter"),
    committed: async (definition, versions) =>
      new Set(versions.filter((version) => documents.has(`${definition} page:${version}`))),
    cycle: async (definition, cycleId) => point(definition, `cycle:${cycleId}`),
    cycles: async () => ({ items: [], continuation: null }),
    openCycles: async (definition, { limit, after = "" }) =>
      [...documents.entries()]
        .flatMap(([key, { value, etag }]) =>
          key.startsWith(`${definition} `) && value.type === "cycle" ? [{ value, etag }] : [],
        )
        .filter(({ value }) => typeof value.closedAt !== "string" && value.cycleId > after)
        .sort((one, other) => (one.value.cycleId < other.value.cycleId ? -1 : 1))
        .slice(0, limit)
        .map(copy),
    history: async () => ({ pages: [], markers: [] }),
    transact: async (definition, operations) => {
      await ports.pause();
      return transact(definition, operations);
    },
    marker: async (definition, id) => (await point<Marker>(definition, id))?.value,
    createMarkers: async (markers) =>
      markers.map((marker) => {
        const key = `${marker.definition} ${marker.id}`;
        if (documents.has(key)) return false;
        documents.set(key, { value: copy(marker), etag: nextEtag() });
        return true;
      }),
  };
  const point = async <T>(definition: DefinitionId, id: string): Promise<Stored<T> | undefined> => {
    await ports.pause();
    return copy(documents.get(`${definition} ${id}`)) as Stored<T> | undefined;
  };
  const transact = (
    definition: DefinitionId,
    operations: readonly ProgressOperation[],
  ): TransactionResult => {
    const staged = new Map<string, Stored<ProgressDocument>>();
    const results: Stored<unknown>[] = [];
    for (const [failedAt, operation] of operations.entries()) {
      const id = operation.kind === "patch" ? operation.id : operation.document.id;
      const key = `${definition} ${id}`;
      const current = staged.get(key) ?? documents.get(key);
      if (operation.kind === "create") {
        if (current !== undefined) return { ok: false, failedAt, reason: "exists" };
      } else {
        if (current === undefined) return { ok: false, failedAt, reason: "missing" };
        if (operation.etag !== undefined && operation.etag !== current.etag) {
          return { ok: false, failedAt, reason: "changed" };
        }
      }
      const value =
        operation.kind === "patch" ? patched(current?.value, operation) : copy(operation.document);
      const stored = { value, etag: nextEtag() };
      staged.set(key, stored);
      results.push(stored);
    }
    for (const [key, stored] of staged) documents.set(key, stored);
    return { ok: true, results };
  };

  const ports: MemoryPorts = {
    entries,
    documents,
    held,
    letters,
    sent,
    nowMs: Date.parse("2026-03-01T08:00:00Z"),
    pause: async () => undefined,
    object: () => undefined,
    stamp: {
      tenant: "00000000-0000-0000-0000-000000000000" as SyncPorts["stamp"]["tenant"],
      branch: "test" as SyncPorts["stamp"]["branch"],
      source: "/test",
      owner: "test",
      groups: [],
    },
    clock: { now: () => ports.nowMs },
    turn: () => Promise.resolve(),
    random: { next: () => 0.5, uuid: () => "00000000-0000-0000-0000-000000000000" },
    logger: quiet,
    tracing: noTracing,
    bus: { send: async (_queue, messages) => void sent.push(...messages) },
    graph: {
      page: () => Promise.reject(new Error("not read here")),
      object: async (type, id) => ports.object(type, id),
      member: () => Promise.reject(new Error("not read here")),
    },
    definitions: {
      get: async () => undefined,
      list: async () => [],
      create: async () => undefined,
      replace: async () => undefined,
    },
    progress,
    index,
    holds: {
      put: async (holds) => holds.forEach((hold) => held.set(hold.id, hold)),
      remove: async (_definition, ids) => ids.forEach((id) => held.delete(id)),
      get: async (_definition, id) => held.get(id),
      list: async () => ({ items: [...held.values()], continuation: null }),
    },
    deadLetters: {
      add: async (added) => void letters.push(...added),
      replayed: async () => undefined,
      replace: async () => false,
    },
    jobs: { recordProgress: async () => undefined, recordResult: async () => undefined },
    knownAgents: { isKnown: async () => true },
    workKeys: testKeys(),
    security: {
      record: async (events) => events.map(() => true),
      pending: async () => [],
      settle: async () => undefined,
    },
  };
  return ports;
}

const quiet: SyncPorts["logger"] = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quiet,
};

function definitionOf(entry: IndexEntry): string {
  return entry.lane.slice(0, -1 - String(LANE_COUNT).length);
}

function patched(
  current: ProgressDocument | undefined,
  patch: Extract<ProgressOperation, { kind: "patch" }>,
): ProgressDocument {
  const document = structuredClone(current) as unknown as Record<string, unknown>;
  const at = (path: string): [Record<string, unknown>, string] => {
    const names = path.slice(1).split("/");
    const last = names.pop() ?? "";
    let parent = document;
    for (const name of names) parent = parent[name] as Record<string, unknown>;
    return [parent, last];
  };
  for (const [path, value] of Object.entries(patch.set ?? {})) {
    const [parent, name] = at(path);
    parent[name] = value;
  }
  for (const [path, value] of Object.entries(patch.increment ?? {})) {
    const [parent, name] = at(path);
    parent[name] = Number(parent[name] ?? 0) + value;
  }
  for (const path of patch.remove ?? []) {
    const [parent, name] = at(path);
    delete parent[name];
  }
  return document as unknown as ProgressDocument;
}

export function putCounter(
  ports: MemoryPorts,
  definition: DefinitionId,
  counter: Partial<DefinitionCounter> = {},
): void {
  ports.documents.set(`${definition} counter`, {
    etag: "first",
    value: {
      id: "counter",
      type: "counter",
      definition,
      version: 1_000,
      sent: 0,
      deletesByHour: {},
      ...counter,
    },
  });
}

/** A page of this version was committed. */
export function putPage(ports: MemoryPorts, definition: DefinitionId, version: Version): void {
  ports.documents.set(`${definition} page:${version}`, {
    etag: "first",
    value: {
      id: `page:${version}`,
      type: "page",
      definition,
      stream: "users",
      cycleId: "c1" as CycleId,
      version,
      read: 0,
      count: 0,
      held: 0,
      committedAt: new Date(0).toISOString(),
    },
  });
}
