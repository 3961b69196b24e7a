/** One agent of the simulation: the product's own agent over simulated ports, in a process that can be killed. */
import {
  type Agent,
  type AgentPorts,
  type Ledger,
  OutageError,
  type Settings,
  type TargetPort,
  wireAgent,
} from "@postern/agent";
import type { AgentId, Lane, LedgerEntry } from "@postern/contracts";
import type { ApplyResult } from "@postern/connectors";
import type { Logger } from "@postern/runtime";
import { agentBroker } from "./agent-broker";
import type { FakeBroker } from "../services/fake-broker";
import { FakeContainer } from "../services/fake-container";
import { failed, type FakeTarget } from "../services/fake-target";
import type { History } from "../check/history";
import type { Place } from "../plan/sim-definition";
import type { SeededRandom } from "../../kit/seeded-random";
import type { SimProcess } from "../clockwork/sim-process";
import type { Wire } from "../clockwork/wire";

export type LedgerStore = Map<Lane, FakeContainer<LedgerEntry>>;

export interface AgentWorld {
  readonly process: SimProcess;
  readonly wire: Wire;
  readonly random: SeededRandom;
  readonly broker: FakeBroker;
  readonly ledger: LedgerStore;
  readonly target: FakeTarget;
  readonly history: History;
  readonly place: Place;
  readonly slots: number;
  readonly batchItems: number;
  readonly acceptWaitMs: number;
}

export function startAgent(world: AgentWorld): Agent {
  const { process, random, history } = world;
  const ports: AgentPorts = {
    clock: {
      wallMs: () => process.wallMs(),
      monotonicMs: () => process.monotonicMs(),
      sleep: process.sleep,
      turn: process.turn,
    },
    random: { next: () => random.next() },
    broker: agentBroker(world),
    ledger: ledgerPort(world),
    api: {
      heartbeat: async () => ({ cancellations: [], nextHeartbeatMs: 300_000 }),
      leaseAttempt: async () => ({ kind: "gone" }),
    },
    log: agentLog(process.name, history, {}),
    tracing: {
      span: (_name, _options, work) => work({ traceparent: undefined, set: () => undefined }),
      traceparent: () => undefined,
    },
    targets: new Map([[world.place.target, targetPort(world)]]),
  };
  const agent = wireAgent(settingsOf(world), ports, async () => undefined);
  agent.ended.catch((error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    history.violate(`${process.name} ended by a broken assumption: ${text}`);
  });
  agent.start();
  return agent;
}

function settingsOf({ process, place, slots, acceptWaitMs }: AgentWorld): Settings {
  return {
    agentId: process.name as AgentId,
    branch: place.branch,
    tenant: place.tenant,
    group: place.group,
    serviceBus: { connectionString: null, fullyQualifiedNamespace: "sim", acceptWaitMs },
    cosmos: { endpoint: "http://sim", key: null },
    api: { baseUrl: "http://sim", scope: "sim", timeoutMs: 8_000 },
    identity: { disableInstanceDiscovery: true },
    targets: [],
    concurrency: { lanesPerTarget: slots, jobsInFlight: 1 },
    lanes: { items: 60, heldMs: 5_000, idleMs: 1_000, idleWhenBusyMs: 20 },
    retry: { firstRetryMs: 2_000, longestRetryMs: 60_000, giveUpAfterMs: 24 * 3_600_000 },
    probe: { timeoutMs: 10_000, idleMs: 120_000 },
    heartbeat: { intervalMs: 300_000 },
    drain: { deadlineMs: 10_000 },
    telemetry: { logLevel: "silent", otlpEndpoint: null },
  };
}

function agentLog(
  name: string,
  history: History,
  bound: Readonly<Record<string, unknown>>,
): Logger {
  const write =
    (level: string) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      history.note(`${name} ${level} ${event} ${JSON.stringify({ ...bound, ...fields })}`);
  return {
    debug: () => undefined,
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => agentLog(name, history, { ...bound, ...fields }),
  };
}

function ledgerPort({ wire, ledger, history }: AgentWorld): Ledger {
  const failure = (
    how: "unreachable" | "throttled",
    retryAfterMs: number | undefined,
  ): OutageError =>
    new OutageError("ledger", how, "Cosmos DB does not answer", {
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  const container = (lane: Lane): FakeContainer<LedgerEntry> => {
    const known = ledger.get(lane);
    if (known !== undefined) return known;
    const made = new FakeContainer<LedgerEntry>();
    ledger.set(lane, made);
    return made;
  };
  return {
    read: (lane, ids, signal) =>
      wire.ask({
        service: "cosmos",
        operation: "read ledger",
        signal,
        effect: (struck) =>
          new Map(
            ids.flatMap((id) => {
              const found = container(lane).read(id, struck === "stale");
              return found === undefined ? [] : [[id, { entry: found.value, etag: found.etag }]];
            }),
          ),
        failure,
      }),
    write: (lane, writes, signal) =>
      wire.ask({
        service: "cosmos",
        operation: "write ledger",
        signal,
        effect: (struck) => {
          const documents = container(lane);
          for (const { entry, etag } of writes) {
            if (documents.documents.get(entry.id)?.etag !== etag) return "conflict";
          }
          for (const { entry } of writes) {
            documents.put(entry.id, entry);
            history.ledgerWritten(entry);
          }
          return struck === "conflict-with-itself" ? "conflict" : "written";
        },
        failure,
      }),
  };
}

function targetPort({ wire, process, target, place, batchItems, history }: AgentWorld): TargetPort {
  const { timeline } = process;
  return {
    name: place.target,
    kind: "sim",
    hasInbox: true,
    maxBatchItems: batchItems,
    probe: async () => {
      const began = process.monotonicMs();
      const reachable = await wire
        .ask({
          service: "target",
          operation: "probe",
          effect: () => !target.isDown(timeline.nowMs),
          failure: () => new Error("no answer"),
        })
        .catch(() => false);
      return { reachable, product: "sim", durationMs: process.monotonicMs() - began };
    },
    apply: async (items, { signal }) => {
      if (signal.aborted)
        history.violate(`${process.name} began a side effect after its lock was lost`);
      try {
        return await wire.ask<readonly ApplyResult[]>({
          service: "target",
          operation: "apply",
          slowedMs: target.slowedMs(timeline.nowMs),
          effect: (struck) => {
            // A transaction is rolled back when the agent says so in time; one whose commit is on its way is not.
            if (signal.aborted && struck !== "delay") throw new Aborted();
            return target.apply(items, process.name, timeline.nowMs, struck === "deadlock");
          },
          failure: () => new Error("the connection was lost"),
        });
      } catch (error) {
        if (error instanceof Aborted) throw signal.reason;
        // Connectors answer and do not throw; now and then one has a fault.
        if (items.length % 2 === 1) throw error;
        return items.map(() => failed("transient", "target-timeout", "the connection was lost"));
      }
    },
    close: async () => undefined,
  };
}

class Aborted extends Error {
  override readonly name = "Aborted";
}
