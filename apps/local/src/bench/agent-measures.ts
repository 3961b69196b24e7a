import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { ServiceBusClient, type ServiceBusMessage } from "@azure/service-bus";
import { createTables, sqlConnector } from "@postern/connectors";
import {
  contentHash,
  CycleId,
  DefinitionId,
  eventProperties,
  GroupName,
  itemIdOf,
  laneOf,
  queueTopology,
  TargetName,
  Version,
  WORK_MESSAGE_TYPE,
  workQueueName,
  type EntityRef,
  type WorkItem,
} from "@postern/contracts";
import { stringify } from "yaml";
import { readDefinition } from "../definition-file";
import { cosmosTopology } from "../platform/cosmos-topology";
import { SupervisedProcess } from "../platform/supervised-process";
import { workspaceRoot } from "../platform/workspace-root";
import type { Environment } from "./bench";
import type { LoadOrder } from "./load-process";
import { measured, median, percentile, type Measure } from "./measure";

const PAIRS = 5;
const SINGLE_ITEM_MESSAGES = 10_000;
const BACKLOG_ITEMS = 60_000;
/** One at a time, to a process that has just started; of these the first, and the last, which are the measure. */
const PICKUPS = 1_500;
const FRESH_PICKUPS = 300;
const MEASURED_PICKUPS = 500;
const PICKUP_PAUSE_MS = 15;

const definition = DefinitionId.parse("directory");
const group = GroupName.parse("default");
const target = TargetName.parse("local");
const workQueue = workQueueName(group, target);
const tenant = "00000000-0000-4000-8000-000000000001";
const bareQueue = "bench-bare";

let nextVersion = 1_000;

function personItem(id: string, version: Version): WorkItem {
  const entity: EntityRef = { type: "user", id };
  const state = {
    desired: "present",
    object: "people",
    key: { id },
    values: {
      upn: `${id}@example.com`,
      display_name: `Person ${id}`,
      given_name: "Person",
      family_name: id,
      department: "Bench",
      job_title: `Title ${version}`,
    },
  } as const;
  return {
    itemId: itemIdOf(definition, entity, version),
    entity,
    version,
    ...state,
    hash: contentHash(state),
  };
}

/** Work messages of up to `size` items, each in the lane of its items. */
function workMessages(ids: readonly string[], size: number): ServiceBusMessage[] {
  const version = Version.parse((nextVersion += 1));
  const byLane = new Map<string, WorkItem[]>();
  for (const id of ids) {
    const item = personItem(id, version);
    const lane = laneOf(definition, item.entity);
    const items = byLane.get(lane);
    if (items === undefined) byLane.set(lane, [item]);
    else items.push(item);
  }
  return [...byLane].flatMap(([lane, items]) => {
    const messages: ServiceBusMessage[] = [];
    for (let from = 0; from < items.length; from += size) {
      const messageId = `${definition}.${version}.${lane.slice(-2)}.${from}`;
      messages.push({
        messageId,
        sessionId: lane,
        contentType: "application/json",
        applicationProperties: eventProperties({
          id: messageId,
          source: "bench",
          type: WORK_MESSAGE_TYPE,
          time: new Date().toISOString(),
        }),
        body: {
          messageId,
          tenant,
          branch: "local",
          definition,
          stream: "users",
          group,
          target,
          lane,
          cycleId: CycleId.parse("c1"),
          version,
          items: items.slice(from, from + size),
        },
      });
    }
    return messages;
  });
}

/** The emulators and the queues of one section. */
class Bench {
  readonly connectionString: string;
  readonly settings: string;
  readonly client: ServiceBusClient;
  readonly #environment: Environment;
  readonly #processes: readonly SupervisedProcess[];
  readonly #directory: string;

  private constructor(parts: {
    connectionString: string;
    settings: string;
    environment: Environment;
    processes: readonly SupervisedProcess[];
    directory: string;
  }) {
    this.connectionString = parts.connectionString;
    this.settings = parts.settings;
    this.client = new ServiceBusClient(parts.connectionString);
    this.#environment = parts.environment;
    this.#processes = parts.processes;
    this.#directory = parts.directory;
  }

  static async start(environment: Environment): Promise<Bench> {
    const directory = mkdtempSync(path.join(tmpdir(), "postern-bench-"));
    const groups = [{ name: group, targets: [target] }];
    const bare = {
      name: bareQueue,
      requiresSession: false,
      lockDurationMs: 60_000,
      duplicateDetectionWindowMs: 600_000,
      defaultTtlMs: null,
      maxDeliveryCount: 10,
      deadLetterOnExpiry: false,
    };
    const queues = path.join(directory, "queues.json");
    writeFileSync(queues, JSON.stringify({ queues: [...queueTopology(groups), bare] }));
    const containers = path.join(directory, "containers.json");
    writeFileSync(containers, JSON.stringify(cosmosTopology(groups)));
    const emulator = (name: string, topology: string): SupervisedProcess =>
      new SupervisedProcess({
        name,
        script: path.join(workspaceRoot(), "packages/emulators", name, "dist/cli.js"),
        args: ["--data", path.join(directory, name), "--topology", topology],
        environment: { PATH: environment["PATH"] ?? "" },
        logFile: path.join(directory, `${name}.log`),
      });
    for (const name of ["service-bus", "cosmos"]) mkdirSync(path.join(directory, name));
    const processes = [emulator("service-bus", queues), emulator("cosmos", containers)];
    const [bus, cosmos] = await Promise.all(processes.map((each) => each.ready()));
    const connectionString = bus?.endpoints["connectionString"] ?? "";
    const url = `sqlite:${path.join(directory, "target.db")}`;
    await createTables(sqlConnector.parseSettings({ url }), readDefinition(undefined));
    const settings = stringify({
      agentId: "bench",
      branch: "local",
      tenant,
      group,
      serviceBus: { connectionString },
      cosmos: { endpoint: cosmos?.endpoints["endpoint"], key: cosmos?.endpoints["key"] },
      api: { baseUrl: "http://127.0.0.1:9", scope: "none" },
      targets: { [target]: { connector: "sql", url } },
      telemetry: { logLevel: "error" },
    });
    return new Bench({ connectionString, settings, environment, processes, directory });
  }

  async fill(queue: string, messages: readonly ServiceBusMessage[]): Promise<void> {
    const sender = this.client.createSender(queue);
    let batch = await sender.createMessageBatch();
    for (const message of messages) {
      if (batch.tryAddMessage(message)) continue;
      await sender.sendMessages(batch);
      batch = await sender.createMessageBatch();
      if (!batch.tryAddMessage(message)) throw new Error("a message is too large for a batch");
    }
    await sender.sendMessages(batch);
    await sender.close();
  }

  /** Runs one side; `onRunning` is called when it says that it is up. */
  load(
    order: Pick<LoadOrder, "mode" | "queue" | "items" | "ledger" | "target">,
    onRunning?: () => void,
  ): Promise<{ tookMs: number; turns?: [string, number][] }> {
    const whole: LoadOrder = {
      ...order,
      connectionString: this.connectionString,
      settings: this.settings,
    };
    const script = path.join(workspaceRoot(), "apps/local/dist/bench/load-process.js");
    const child = spawn(process.execPath, [script, JSON.stringify(whole)], {
      env: { PATH: this.#environment["PATH"] },
      stdio: ["ignore", "pipe", "inherit"],
    });
    return new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (!line.startsWith("{")) return;
        const said = JSON.parse(line) as {
          running?: boolean;
          result?: { tookMs: number; turns?: [string, number][] };
        };
        if (said.running === true) onRunning?.();
        if (said.result !== undefined) resolve(said.result);
      });
      child.once("exit", (code) =>
        reject(new Error(`the load process ended with ${code} before it had a result`)),
      );
    });
  }

  async close(): Promise<void> {
    await this.client.close();
    await Promise.all(this.#processes.map((each) => each.stop(2_000)));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

/** Single-item messages through the agent against a bare loop, in interleaved pairs. */
async function throughputRatio(
  bench: Bench,
  ledger: LoadOrder["ledger"],
  say: (text: string) => void,
): Promise<number> {
  const ratios: number[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const people = ids(`r${pair}`, SINGLE_ITEM_MESSAGES);
    await bench.fill(
      bareQueue,
      workMessages(people, 1).map(({ sessionId: _lane, ...message }) => message),
    );
    const bare = await bench.load({
      mode: "bare",
      queue: bareQueue,
      items: SINGLE_ITEM_MESSAGES,
      ledger,
      target: "nothing",
    });
    await bench.fill(workQueue, workMessages(people, 1));
    const agent = await bench.load({
      mode: "agent",
      queue: workQueue,
      items: SINGLE_ITEM_MESSAGES,
      ledger,
      target: "nothing",
    });
    ratios.push(bare.tookMs / agent.tookMs);
    say(`ledger ${ledger}: bare ${rate(bare.tookMs)}/s, agent ${rate(agent.tookMs)}/s`);
  }
  return median(ratios);
}

const rate = (tookMs: number): string =>
  Math.round((SINGLE_ITEM_MESSAGES / tookMs) * 1_000).toLocaleString("en");

interface Pickups {
  /** The very first. */
  readonly first: number;
  /** Of a process that has just started, whose code is not compiled yet. */
  readonly fresh: readonly number[];
  /** Of one that has been at work. */
  readonly waits: readonly number[];
}

/**
 * From the call that sends a message to its turn, in milliseconds, one message at a time: with the agent, or with a bare
 * receiver.
 */
async function pickups(bench: Bench, mode: "pickup" | "bare-pickup"): Promise<Pickups> {
  const people = ids(mode, PICKUPS);
  const queue = mode === "pickup" ? workQueue : bareQueue;
  const sentAt = new Map<string, number>();
  const sender = bench.client.createSender(queue);
  let sending: Promise<void> = Promise.resolve();
  const { turns } = await bench.load(
    { mode, queue, items: PICKUPS, ledger: "cosmos", target: "nothing" },
    () => {
      sending = (async () => {
        await pause(1_000);
        for (const id of people) {
          const [work] = workMessages([id], 1);
          if (work === undefined) continue;
          const { sessionId: _lane, ...withoutLane } = work;
          const message = mode === "pickup" ? work : withoutLane;
          sentAt.set(id, performance.timeOrigin + performance.now());
          await sender.sendMessages(message);
          await pause(PICKUP_PAUSE_MS);
        }
      })();
    },
  );
  await sending;
  await sender.close();
  const turnOf = new Map(turns);
  const all = people.map((id) => (turnOf.get(id) ?? Infinity) - (sentAt.get(id) ?? 0));
  return {
    first: all[0] ?? Infinity,
    fresh: all.slice(0, FRESH_PICKUPS),
    waits: all.slice(-MEASURED_PICKUPS),
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The agent by itself: against a bare loop, through a backlog, and at rest. */
export async function measureAgent(
  environment: Environment,
  say: (text: string) => void,
): Promise<Measure[]> {
  const bench = await Bench.start(environment);
  try {
    const stubbed = await throughputRatio(bench, "stubbed", say);
    const withLedger = await throughputRatio(bench, "cosmos", say);
    await bench.fill(workQueue, workMessages(ids("b", BACKLOG_ITEMS), 100));
    const backlog = await bench.load({
      mode: "agent",
      queue: workQueue,
      items: BACKLOG_ITEMS,
      ledger: "cosmos",
      target: "settings",
    });
    return [
      measured("agent-throughput-ratio-stubbed-ledger", stubbed),
      measured("agent-throughput-ratio", withLedger),
      measured("agent-items-per-second", (BACKLOG_ITEMS / backlog.tookMs) * 1_000),
    ];
  } finally {
    await bench.close();
  }
}

/** How long work waits for an agent that has none, beside what the SDK alone takes in the same run. */
export async function measurePickup(
  environment: Environment,
  say: (text: string) => void,
): Promise<Measure[]> {
  const bench = await Bench.start(environment);
  try {
    const bare = await pickups(bench, "bare-pickup");
    const { first, fresh, waits } = await pickups(bench, "pickup");
    const alone = (of: readonly number[]): string =>
      [0.5, 0.99].map((part) => percentile(of, part).toFixed(1)).join(" and ");
    say(
      `a bare receiver has its messages after ${alone(bare.waits)} ms (p50 and p99), when it has just started ${alone(bare.fresh)}`,
    );
    return [
      measured("pickup-p50", percentile(waits, 0.5)),
      measured("pickup-p99", percentile(waits, 0.99)),
      measured("pickup-p50-to-bare", percentile(waits, 0.5) / percentile(bare.waits, 0.5)),
      measured("pickup-first", first),
      measured("pickup-fresh-p50", percentile(fresh, 0.5)),
      measured("pickup-fresh-p99", percentile(fresh, 0.99)),
    ];
  } finally {
    await bench.close();
  }
}
