/** The cloud's ports over the fake services, for one simulated process. */
import { noTracing } from "@postern/runtime";
import {
  type DefinitionStore,
  type GraphSource,
  type HoldStore,
  type Logger,
  type MessageBus,
  type SecurityEvents,
  ServiceUnavailable,
  SourceError,
  type SyncPorts,
} from "@postern/cloud";
import type { CloudWorld } from "./cloud-world";
import { askCosmos } from "./cosmos-wire";
import { indexStore } from "./index-store";
import { deadLetterSink } from "./letter-ports";
import { progressStore } from "./progress-store";

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
    turn: () => Promise.resolve(),
    random: { next: () => random.next(), uuid: () => random.uuid() },
    logger: logger(world, {}),
    tracing: noTracing,
    bus: bus(world),
    graph: graph(world),
    definitions: definitions(world),
    progress: progressStore(world),
    index: indexStore(world),
    holds: holds(world),
    deadLetters: deadLetterSink(world),
    jobs: {
      recordProgress: async () => undefined,
      recordResult: async (message) => void world.stores.jobResults.push(message),
    },
    knownAgents: { isKnown: async () => true },
    workKeys: {
      ids: async () => world.vault.ids(process.name, process.timeline.nowMs),
      signing: async () => world.vault.signing(process.name, process.timeline.nowMs),
      verifying: async (id) => world.vault.find(id, process.name, process.timeline.nowMs),
    },
    security: security(world),
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

function security({ wire, stores }: CloudWorld): SecurityEvents {
  return {
    record: (events) => askCosmos(wire, "write security", () => stores.security.record(events)),
    pending: (keys, limit) =>
      askCosmos(wire, "read security", () => stores.security.pending(keys, limit)),
    settle: (event) => askCosmos(wire, "write security", () => stores.security.settle(event)),
  };
}

function holds({ wire, stores }: CloudWorld): HoldStore {
  return {
    put: (all) =>
      askCosmos(wire, "write holds", () =>
        all.forEach((hold) => stores.holds.of(hold.definition).put(hold.id, hold)),
      ),
    remove: (definition, ids) =>
      askCosmos(wire, "write holds", () =>
        ids.forEach((id) => stores.holds.of(definition).delete(id)),
      ),
    get: (definition, id) =>
      askCosmos(wire, "read holds", () => stores.holds.of(definition).read(id)?.value),
    list: (definition, { limit }) =>
      askCosmos(wire, "read holds", () => ({
        items: [...stores.holds.of(definition).values()].slice(0, limit),
        continuation: null,
      })),
  };
}
