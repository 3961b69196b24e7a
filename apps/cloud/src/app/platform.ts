import type { Database } from "@azure/cosmos";
import type { TokenCredential } from "@azure/identity";
import { randomUUID } from "node:crypto";
import {
  AzureCredential,
  noTracing,
  type Random,
  systemClock,
  tracingOnFirstSpan,
  type WallClock,
} from "@postern/runtime";
import type { AgentPorts } from "../agents/agent-ports";
import { knownAgents } from "../agents/known-agents";
import { createAgentStore } from "../agents/agent-store";
import { createAuditTrail } from "../audit/audit-store";
import { createDatabase } from "../azure/cosmos-client";
import { createSecretVersions } from "../azure/key-vault";
import { createServiceBus } from "../azure/service-bus";
import { createProgressStore } from "../cycles/progress-store";
import type { DeadLetterPorts } from "../dead-letters/dead-letter-ports";
import { createDeadLetterSink } from "../dead-letters/dead-letter-sink";
import { createDeadLetterStore } from "../dead-letters/dead-letter-store";
import { type ServiceProbe, serviceProbes } from "../health/service-probes";
import type { JobPorts } from "../jobs/job-ports";
import { cancellationsOf } from "../jobs/cancellations";
import { jobKindRegistry } from "../jobs/job-kind";
import { createJobStore } from "../jobs/job-store";
import { createJobUpdates } from "../jobs/job-updates";
import { targetTestJob } from "../jobs/kinds/target-test";
import type { ParkedPorts } from "../parked/parked-ports";
import { sendParked } from "../parked/send-parked";
import { createParkedStore } from "../parked/parked-store";
import type { SyncPorts } from "../ports/cloud-ports";
import type { MessageBus } from "../ports/message-bus";
import type { WorkKeys } from "../ports/work-keys";
import {
  createSecurityEventStore,
  type SecurityEventStore,
} from "../security/security-event-store";
import type { Settings } from "../settings";
import { createDefinitionStore } from "../sync/definitions/definition-store";
import { indexedItem } from "../sync/entities/indexed-item";
import { createIndexStore } from "../sync/entities/index-store";
import { createGraphSource } from "../sync/graph/graph-source";
import { createHoldStore } from "../sync/holds/hold-store";
import { entitiesJob } from "../sync/pages/entities-job";
import { startOnDemand } from "../sync/pages/on-demand";
import { createVaultKeys } from "../work/keys/vault-keys";
import { acceptedInTime } from "./accepted-in-time";
import { createLogger } from "./logger";

/** The one composition: the ports of every feature, wired to Azure. One per process, made by `main.ts`. */
export interface Platform extends SyncPorts, ParkedPorts, DeadLetterPorts {
  readonly settings: Settings;
  readonly security: SecurityEventStore;
  /** Connects on first use. */
  readonly database: Database;
  /** For calls to Azure services; loads the identity library on first use. */
  readonly credential: TokenCredential;
  /** The keys that work is stamped with. */
  readonly workKeys: WorkKeys;
  /** For the features that serve callers over HTTP: these do not wait for a broker that is slow. */
  readonly forJobs: JobPorts;
  readonly forAgents: AgentPorts;
  /** What the health route asks. */
  readonly probes: readonly ServiceProbe[];
  /** Sends what is recorded and lets go of every connection. */
  close(): Promise<void>;
}

export interface PlatformOptions {
  readonly writeLog: (line: string) => void;
}

const clock: WallClock = { now: () => Date.now() };
const random: Random = { next: () => Math.random(), uuid: () => randomUUID() };

/** Wires everything and connects to nothing: each service is contacted when it is first needed. */
export function createPlatform(settings: Settings, { writeLog }: PlatformOptions): Platform {
  const { tenant, branch } = settings;
  const credential = new AzureCredential({ ...settings.identity, now: clock.now });
  const database = createDatabase(settings.cosmos, credential);
  const bus = createServiceBus(settings.serviceBus, credential);
  const { otlpEndpoint } = settings.telemetry;
  const traces =
    otlpEndpoint === null
      ? undefined
      : tracingOnFirstSpan({
          otlpEndpoint,
          serviceName: "postern-cloud",
          attributes: { "service.version": settings.version, "postern.branch": branch },
          registerGlobally: false,
        });
  const logger = createLogger(writeLog, clock, { tenant, branch });
  const agents = createAgentStore(database);
  const jobStore = createJobStore(database);
  const ports: Omit<Platform, "forJobs" | "forAgents"> = {
    settings,
    database,
    credential,
    stamp: {
      tenant,
      branch,
      source: `/postern/${branch}/cloud`,
      owner: settings.instance,
      groups: settings.groups,
    },
    clock,
    turn: systemClock.turn,
    random,
    logger,
    tracing: traces ?? noTracing,
    bus,
    graph: createGraphSource(settings.graph, credential, clock.now),
    definitions: createDefinitionStore(database, clock),
    progress: createProgressStore(database),
    index: createIndexStore(database),
    holds: createHoldStore(database),
    deadLetters: createDeadLetterSink(database),
    letters: createDeadLetterStore(database),
    audit: createAuditTrail(database),
    parked: createParkedStore(database),
    security: createSecurityEventStore(database),
    agents,
    knownAgents: knownAgents({ agents, clock }),
    indexedItem,
    jobs: createJobUpdates({ jobStore, agents, clock }),
    workKeys: createVaultKeys({
      secrets: createSecretVersions(settings.keyVault, credential),
      ...{ clock, logger },
    }),
    probes: serviceProbes({ settings, database, credential }),
    close: async () => {
      await bus.close();
      await traces?.close();
    },
  };
  const { stamp } = ports;
  const quickBus: MessageBus = {
    send: (queue, messages) => acceptedInTime(bus.send(queue, messages)),
  };
  const kinds = jobKindRegistry([
    targetTestJob({ stamp, clock, bus: quickBus }),
    entitiesJob({
      definitions: ports.definitions,
      startOnDemand: async (job) => (await acceptedInTime(startOnDemand(ports, job))) !== undefined,
    }),
  ]);
  const { workKeys } = ports;
  const forJobs: JobPorts = { stamp, clock, workKeys, random, logger, jobStore, agents, kinds };
  const forAgents: AgentPorts = {
    stamp,
    clock,
    logger,
    agents,
    cancellations: (agent, running, nowMs) => cancellationsOf({ jobStore }, agent, running, nowMs),
    sendParked: (group, capabilities) => acceptedInTime(sendParked(ports, group, capabilities)),
  };
  return { ...ports, forJobs, forAgents };
}
