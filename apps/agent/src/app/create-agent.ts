import { databaseName, ledgerContainerName, resultsQueueName } from "@postern/contracts";
import type { Agent } from "./agent";
import type { CosmosLedger } from "../azure/cosmos-ledger";
import { HttpControlApi } from "../control/http-control-api";
import {
  AzureCredential,
  type Logger,
  noTracing,
  type RunningTracing,
  startTracing,
  systemClock,
  systemRandom,
} from "@postern/runtime";
import { createPinoLog } from "./pino-log";
import { ServiceBusBroker } from "../azure/service-bus-broker";
import { connectServiceBus } from "../azure/service-bus-client";
import type { AgentPorts } from "../ports/agent-ports";
import { type WorkTypes, workTypes } from "../lanes/work-reader";
import type { Settings } from "./settings";
import { wireAgent } from "./wiring";

export interface CreateAgentOptions {
  readonly settings: Settings;
  /** Absolute path of the program that runs in target threads, for drivers that block their thread. */
  readonly threadProgram: string;
  /** Ports that replace the real ones, for benchmarks and simulations. An adapter that is replaced is not created. */
  readonly ports?: Partial<AgentPorts>;
  /** Work messages that the agent reads; by default those of this version. */
  readonly types?: WorkTypes;
}

/**
 * Builds an agent from its settings, with real adapters except where ports are given. Contacts nothing before `start`.
 */
export async function createAgent({
  settings,
  threadProgram,
  ports = {},
  types = workTypes,
}: CreateAgentOptions): Promise<Agent> {
  const log = ports.log ?? agentLog(settings);
  const clock = ports.clock ?? systemClock;
  const closers: (() => Promise<void>)[] = [];
  const credential = new AzureCredential(settings.identity);
  let tracing = ports.tracing;
  if (tracing === undefined && settings.telemetry.otlpEndpoint !== null) {
    const running: RunningTracing = await startTracing({
      otlpEndpoint: settings.telemetry.otlpEndpoint,
      serviceName: "postern-agent",
      attributes: {
        "service.instance.id": settings.agentId,
        "postern.branch": settings.branch,
        "postern.tenant": settings.tenant,
      },
      registerGlobally: true,
    });
    closers.push(() => running.close());
    tracing = running;
  }
  const whole: AgentPorts = {
    clock,
    log,
    random: ports.random ?? systemRandom,
    tracing: tracing ?? noTracing,
    broker: ports.broker ?? serviceBus(settings, credential, clock, log),
    ...stores(settings, credential, closers, ports),
    api:
      ports.api ??
      new HttpControlApi({
        baseUrl: settings.api.baseUrl,
        timeoutMs: settings.api.timeoutMs,
        token: () => credential.bearer(settings.api.scope),
      }),
    targets:
      ports.targets ??
      new Map(settings.targets.map(({ name, open }) => [name, open(threadProgram)])),
  };
  const onClose = async (): Promise<void> => {
    await Promise.allSettled(closers.map((close) => close()));
  };
  return wireAgent(settings, whole, onClose, types);
}

export function agentLog(settings: Settings): Logger {
  return createPinoLog(settings.telemetry.logLevel, {
    agent: settings.agentId,
    branch: settings.branch,
    tenant: settings.tenant,
  });
}

function serviceBus(
  settings: Settings,
  credential: AzureCredential,
  clock: AgentPorts["clock"],
  log: Logger,
): ServiceBusBroker {
  const { connectionString, fullyQualifiedNamespace, acceptWaitMs } = settings.serviceBus;
  const access =
    connectionString === null
      ? { fullyQualifiedNamespace: fullyQualifiedNamespace ?? "", credential }
      : { connectionString };
  return new ServiceBusBroker({
    clock,
    log,
    acceptWaitMs,
    sendQueues: [resultsQueueName(settings.group)],
    connect: () => connectServiceBus(access, acceptWaitMs),
  });
}

/** Loads the Cosmos SDK with the first unit, so that an agent that has had no work needs less memory. */
function stores(
  settings: Settings,
  credential: AzureCredential,
  closers: (() => Promise<void>)[],
  given: Partial<AgentPorts>,
): Pick<AgentPorts, "ledger" | "trials"> {
  if (given.ledger !== undefined) {
    return given.trials === undefined
      ? { ledger: given.ledger }
      : { ledger: given.ledger, trials: given.trials };
  }
  let ledger: CosmosLedger | undefined;
  let opening: Promise<CosmosLedger> | undefined;
  const open = (): Promise<CosmosLedger> => {
    opening ??= import("../azure/cosmos-ledger").then(({ openCosmosLedger }) => {
      const { endpoint, key } = settings.cosmos;
      ledger = openCosmosLedger(
        { endpoint, ...(key === null ? { credential } : { key }) },
        { database: databaseName, container: ledgerContainerName(settings.group) },
      );
      return ledger;
    });
    return opening;
  };
  closers.push(async () => ledger?.close());
  return {
    ledger: {
      read: async (lane, ids, signal) => (ledger ?? (await open())).read(lane, ids, signal),
      write: async (lane, writes, signal) => (ledger ?? (await open())).write(lane, writes, signal),
    },
    trials: given.trials ?? {
      read: async (...args) => (ledger ?? (await open())).trials.read(...args),
      write: async (...args) => (ledger ?? (await open())).trials.write(...args),
      lastProcess: async (agent) => (ledger ?? (await open())).trials.lastProcess(agent),
      noteProcess: async (agent, record) =>
        (ledger ?? (await open())).trials.noteProcess(agent, record),
    },
  };
}
