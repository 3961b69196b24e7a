import { noTracing } from "@postern/runtime";
/** The cloud's ports over the fake services, for one simulated process. */
import {
  type AuditEntry,
  type DefinitionRecord,
  type DefinitionStore,
  type GraphSource,
  type HoldStore,
  type IndexStore,
  type Logger,
  type MessageBus,
  type ProgressStore,
  ServiceUnavailable,
  SourceError,
  type SyncPorts,
} from "@postern/cloud";
import {
  type BranchId,
  checkpointId,
  type Checkpoint,
  type Cycle,
  type DeadLetter,
  type DefinitionCounter,
  type DefinitionId,
  entityKey,
  type Hold,
  type IndexEntry,
  type Marker,
  type TenantId,
  type WorkerGroup,
} from "@postern/contracts";
import { askCosmos, cosmosFailure } from "./cosmos-wire";
import type { FakeBroker } from "../services/fake-broker";
import { FakeContainer } from "../services/fake-container";
import type { FakeGraph } from "../services/fake-graph";
import { FakeProgress } from "../services/fake-progress";
import { deadLetterSink } from "./letter-ports";
import type { SeededRandom } from "../../kit/seeded-random";
import type { SimProcess } from "../clockwork/sim-process";
import type { Wire } from "../clockwork/wire";

/** What Cosmos holds of the cloud. */
export class CloudStores {
  readonly definitions = new FakeContainer<DefinitionRecord>();
  readonly progress = new FakeProgress();
  readonly index = new FakeContainer<IndexEntry>();
  readonly holds = new FakeContainer<Hold>();
  readonly deadLetters = new FakeContainer<DeadLetter>();
  readonly audit = new FakeContainer<AuditEntry>();
}

export interface CloudWorld {
  readonly process: SimProcess;
  readonly wire: Wire;
  readonly random: SeededRandom;
  readonly stores: CloudStores;
  readonly broker: FakeBroker;
  readonly graph: FakeGraph;
  readonly graphSlowedMs: () => number;
  readonly place: {
    readonly tenant: TenantId;
    readonly branch: BranchId;
    readonly groups: readonly WorkerGroup[];
  };
  readonly log: (line: string | (() => string)) => void;
}

export function cloudPorts(world: CloudWorld): SyncPorts {
  const { process, random, place } = world;
  return {
    stamp: {
      tenant: place.tenant,
      branch: place.branch,
      source: "/postern/sim/cloud",
      owner: process.name,
      groups: place.groups,
    },
    clock: { now: () => process.wallMs() },
    random: { next: () => random.next(), uuid: () => random.uuid() },
    logger: logger(world, {}),
    tracing: noTracing,
    bus: bus(world),
    graph: graph(world),
    definitions: definitions(world),
    progress: progress(world),
    index: index(world),
    holds: holds(world),
    deadLetters: deadLetterSink(world),
    jobs: { recordProgress: async () => undefined, recordResult: async () => undefined },
  };
}

function logger({ process, log }: CloudWorld, bound: Readonly<Record<string, unknown>>): Logger {
  const write =
    (level: string) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      log(`${process.name} ${level} ${event} ${JSON.stringify({ ...bound, ...fields })}`);
  return {
    debug: () => undefined,
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => logger({ process, log } as CloudWorld, { ...bound, ...fields }),
  };
}

function bus({ wire, broker }: CloudWorld): MessageBus {
  return {
    send: (queue, messages) =>
      wire.ask({
        service: "broker",
        operation: `send ${queue === "sync-start" ? "start" : "work"}`,
        effect: (struck) => {
          // Batches of one call may be accepted in part.
          const taken = struck === "half" ? messages.slice(0, messages.length / 2) : messages;
          broker.queue(queue).send(
            taken.map(({ messageId, sessionId, body, properties, scheduledAt }) => ({
              messageId,
              sessionId,
              body: JSON.parse(body) as unknown,
              properties,
              scheduledAtMs: scheduledAt?.getTime(),
            })),
          );
          if (struck === "half") throw busFailure();
        },
        failure: busFailure,
      }),
  };
}

const busFailure = (): Error =>
  new ServiceUnavailable("service-bus", "the queue does not accept messages");

function graph({ wire, graph: source, graphSlowedMs }: CloudWorld): GraphSource {
  const failure = (how: string, retryAfterMs: number | undefined): Error =>
    how === "throttled"
      ? new SourceError("throttled", "429", { retryAfterMs: retryAfterMs ?? null })
      : new SourceError("unavailable", "Microsoft Graph does not answer");
  return {
    page: (stream, _select, link) =>
      wire.ask({
        service: "graph",
        operation: "page",
        slowedMs: graphSlowedMs(),
        effect: (struck) => {
          if (struck === "expire" && link !== null) throw new SourceError("expired", "410");
          return source.page(stream, link);
        },
        failure,
      }),
    object: (type, id) =>
      wire.ask({
        service: "graph",
        operation: "object",
        effect: () => source.object(type, id),
        failure,
      }),
    member: (groupId, memberId) =>
      wire.ask({
        service: "graph",
        operation: "object",
        effect: () => source.member(groupId, memberId),
        failure,
      }),
  };
}

function definitions({ wire, stores }: CloudWorld): DefinitionStore {
  const { definitions: container } = stores;
  return {
    get: async (id, options) =>
      options?.fresh === true
        ? askCosmos(wire, "read definition", () => container.documents.get(id))
        : container.documents.get(id),
    list: async () => [...container.documents.values()],
    create: (record) =>
      askCosmos(wire, "write definition", () => {
        const etag = container.write(record.id, record, undefined);
        return etag === undefined ? undefined : container.documents.get(record.id);
      }),
    replace: (record, etag) =>
      askCosmos(wire, "write definition", () => {
        const written = container.write(record.id, record, etag);
        return written === undefined ? undefined : container.documents.get(record.id);
      }),
  };
}

function progress({ wire, stores, process, log }: CloudWorld): ProgressStore {
  const { progress: store } = stores;
  const point = <T>(definition: DefinitionId, id: string) =>
    wire.ask({
      service: "cosmos",
      operation: "read progress",
      effect: (struck) => {
        const found = store.container(definition).read(id, struck === "stale");
        return found === undefined ? undefined : { value: found.value as T, etag: found.etag };
      },
      failure: cosmosFailure,
    });
  return {
    checkpoint: (definition, stream) => point<Checkpoint>(definition, checkpointId(stream)),
    counter: (definition) => point<DefinitionCounter>(definition, "counter"),
    committed: (definition, versions) =>
      wire.ask({
        service: "cosmos",
        operation: "read progress",
        effect: () =>
          new Set(
            versions.filter((version) => store.container(definition).read(`page:${version}`)),
          ),
        failure: cosmosFailure,
      }),
    cycle: (definition, cycleId) => point<Cycle>(definition, `cycle:${cycleId}`),
    cycles: (definition, { limit }) =>
      wire.ask({
        service: "cosmos",
        operation: "query progress",
        effect: () => ({ items: store.cycles(definition).slice(0, limit), continuation: null }),
        failure: cosmosFailure,
      }),
    openCycles: (definition, { limit, after }) =>
      wire.ask({
        service: "cosmos",
        operation: "query progress",
        effect: () => store.openCycles(definition, after).slice(0, limit),
        failure: cosmosFailure,
      }),
    history: (definition, cycles) =>
      wire.ask({
        service: "cosmos",
        operation: "query progress",
        effect: () => store.history(definition, cycles),
        failure: cosmosFailure,
      }),
    transact: (definition, operations) =>
      wire.ask({
        service: "cosmos",
        operation: "transact",
        effect: (struck) => {
          const result = store.transact(definition, operations);
          log(`${process.name} transact ${result.ok ? "ok" : result.reason} ${operations.length}`);
          if (struck !== "conflict-with-itself" || !result.ok) return result;
          const met = operations.findIndex(
            (each) => each.kind === "create" || each.etag !== undefined,
          );
          if (met < 0) return result;
          const reason = operations[met]?.kind === "create" ? "exists" : "changed";
          return { ok: false, failedAt: met, reason };
        },
        failure: cosmosFailure,
      }),
    marker: async (definition, id) => (await point<Marker>(definition, id))?.value,
    createMarkers: (markers) =>
      wire.ask({
        service: "cosmos",
        operation: "create markers",
        effect: (struck) => {
          const taken = struck === "half" ? markers.slice(0, markers.length / 2) : markers;
          const created = taken.map((marker) => {
            const container = store.container(marker.definition);
            return container.write(marker.id, marker, undefined) !== undefined;
          });
          if (struck === "half") throw cosmosFailure("throttling", undefined);
          return created;
        },
        failure: cosmosFailure,
      }),
  };
}

function indexText({ id, version, exists, desired, held, follow }: IndexEntry): string {
  const marks = [
    exists ? "there" : "gone",
    ...(desired === undefined ? [] : [`sent ${desired}`]),
    ...(held === undefined ? [] : [`held ${held}`]),
    ...(follow === undefined ? [] : [`follow ${follow}`]),
  ];
  return `${id}@${version} ${marks.join(" ")}`;
}

function index({ wire, stores, process, log }: CloudWorld): IndexStore {
  const { index: container } = stores;
  return {
    read: (_definition, entities) =>
      wire.ask({
        service: "cosmos",
        operation: "read index",
        effect: (struck) => {
          const found = new Map<string, { value: IndexEntry; etag: string }>();
          for (const entity of entities) {
            const key = entityKey(entity);
            const entry = container.read(key, struck === "stale");
            if (entry !== undefined) found.set(key, entry);
          }
          return found;
        },
        failure: cosmosFailure,
      }),
    // Never stale: what is only looked at has no etag to lose by, and rests on the account's strong consistency (ADR 0009).
    standings: (_definition, entities) =>
      wire.ask({
        service: "cosmos",
        operation: "read index",
        effect: () => {
          const found = new Map<string, IndexEntry>();
          for (const entity of entities) {
            const key = entityKey(entity);
            const entry = container.read(key);
            if (entry !== undefined) found.set(key, entry.value);
          }
          return found;
        },
        failure: cosmosFailure,
      }),
    write: (writes) =>
      wire.ask({
        service: "cosmos",
        operation: "write index",
        effect: (struck) => {
          const etags = new Map<string, string>();
          let lost = false;
          // One transaction a lane: each is written as a whole or not at all.
          const lanes = [...Map.groupBy(writes, ({ entry }) => entry.lane).values()];
          for (const [position, lane] of lanes.entries()) {
            if (struck === "half" && position * 2 >= lanes.length) {
              throw cosmosFailure("throttling", undefined);
            }
            if (lane.some(({ entry, etag }) => container.documents.get(entry.id)?.etag !== etag)) {
              lost = true;
              continue;
            }
            log(
              () => `${process.name} index ${lane.map(({ entry }) => indexText(entry)).join(", ")}`,
            );
            for (const { entry } of lane) etags.set(entry.id, container.put(entry.id, entry));
          }
          return lost || struck === "conflict-with-itself" ? undefined : etags;
        },
        failure: cosmosFailure,
      }),
    membershipsOf: (_definition, { groupIds, memberIds }) =>
      wire.ask({
        service: "cosmos",
        operation: "query index",
        effect: () =>
          [...container.documents.values()]
            .filter(
              ({ value: { groupId, memberId } }) =>
                (groupId !== undefined && groupIds.includes(groupId)) ||
                (memberId !== undefined && memberIds.includes(memberId)),
            )
            .map(({ value, etag }) => ({ value: { ...value }, etag })),
        failure: cosmosFailure,
      }),
    leftBehind: (_definition, types, { generation, comparedFrom }, limit) =>
      wire.ask({
        service: "cosmos",
        operation: "query index",
        effect: () =>
          [...container.documents.values()]
            .filter(
              ({ value }) =>
                types.includes(value.entity.type) &&
                ((value.generation < generation &&
                  (value.exists || value.version > comparedFrom)) ||
                  (value.generation === generation && value.unseen !== undefined) ||
                  value.swept !== undefined),
            )
            .slice(0, limit)
            .map(({ value, etag }) => ({ value: { ...value }, etag })),
        failure: cosmosFailure,
      }),
    countHeld: () =>
      wire.ask({
        service: "cosmos",
        operation: "query index",
        effect: () => [...container.values()].filter(({ held }) => held !== undefined).length,
        failure: cosmosFailure,
      }),
  };
}

function holds({ wire, stores }: CloudWorld): HoldStore {
  const { holds: container } = stores;
  return {
    put: (all) =>
      askCosmos(wire, "write holds", () => all.forEach((hold) => container.put(hold.id, hold))),
    remove: (_definition, ids) =>
      askCosmos(wire, "write holds", () => ids.forEach((id) => container.delete(id))),
    get: (_definition, id) => askCosmos(wire, "read holds", () => container.read(id)?.value),
    list: (_definition, { limit }) =>
      askCosmos(wire, "read holds", () => ({
        items: [...container.values()].slice(0, limit),
        continuation: null,
      })),
  };
}
