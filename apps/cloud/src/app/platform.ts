import type { Database } from "@azure/cosmos";
import type { TokenCredential } from "@azure/identity";
import { randomUUID } from "node:crypto";
import { createAgentStore } from "../agents/agent-store";
import { createCredential } from "../adapters/credential";
import { createDatabase } from "../azure/cosmos-client";
import { createDeadLetterSink } from "../dead-letters/dead-letter-sink";
import { createDefinitionStore } from "../sync/definitions/definition-store";
import { createGraphSource } from "../sync/graph/graph-source";
import { createHoldStore } from "../sync/holds/hold-store";
import { createIndexStore } from "../sync/entities/index-store";
import { createJobUpdates } from "../jobs/job-store";
import { createParkedStore } from "../parked/parked-store";
import { createProgressStore } from "../cycles/progress-store";
import { createServiceBus } from "../azure/service-bus";
import type { ParkedPorts } from "../parked/parked-messages";
import type { Clock, Random, SyncPorts } from "../ports/cloud-ports";
import { createLogger } from "./logger";
import type { Settings } from "../settings";
import { createTelemetry } from "../telemetry";

/** The app's ports wired to Azure, and the little that handlers need beside them. One per process, made by `main.ts`. */
export interface Platform extends SyncPorts, ParkedPorts {
  readonly settings: Settings;
  /** Connects on first use. */
  readonly database: Database;
  /** For calls to Azure services; loads the identity library on first use. */
  readonly credential: TokenCredential;
  close(): Promise<void>;
}

export interface PlatformOptions {
  readonly writeLog: (line: string) => void;
}

const clock: Clock = { now: () => Date.now() };
const random: Random = { next: () => Math.random(), uuid: () => randomUUID() };

/** Wires everything and connects to nothing: each service is reached when it is first needed. */
export function createPlatform(settings: Settings, { writeLog }: PlatformOptions): Platform {
  const now = (): number => clock.now();
  const credential = createCredential(settings.identity, now);
  const database = createDatabase(settings.cosmos, credential);
  const bus = createServiceBus(settings.serviceBus, credential);
  const telemetry = createTelemetry(settings);
  const { tenant, branch } = settings;
  return {
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
    random,
    logger: createLogger(writeLog, clock, { tenant, branch }),
    tracing: telemetry.tracing,
    bus,
    graph: createGraphSource(settings.graph, credential, now),
    definitions: createDefinitionStore(database, clock),
    progress: createProgressStore(database),
    index: createIndexStore(database),
    holds: createHoldStore(database),
    deadLetters: createDeadLetterSink(database),
    parked: createParkedStore(database),
    agents: createAgentStore(database),
    jobs: createJobUpdates(database, clock),
    close: async () => {
      await bus.close();
      await telemetry.close();
    },
  };
}
