import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { ServiceBusClient, type ServiceBusMessage } from "@azure/service-bus";
import { createTables, sqlConnector } from "@postern/connectors";
import {
  BranchId,
  contentHash,
  cosmosTopology,
  CycleId,
  DefinitionId,
  GroupName,
  KeyId,
  Lane,
  MessageId,
  itemIdOf,
  laneOf,
  queueTopology,
  TargetName,
  TenantId,
  Version,
  workQueueName,
  type EntityRef,
  type WorkItem,
} from "@postern/contracts";
import { stringify } from "yaml";
import { readDefinition, SupervisedProcess, workspaceRoot } from "@postern/local";
import type { Environment } from "../kit/environment";
import { stampedMessage } from "../kit/stamped-work";
import type { LoadOrder, LoadResult } from "./load-process";

const definition = DefinitionId.parse("directory");
const group = GroupName.parse("default");
const target = TargetName.parse("local");
export const workQueue = workQueueName(group, target);
const tenant = TenantId.parse("00000000-0000-4000-8000-000000000001");
/** No cloud reads these results. */
const benchSigner = { key: KeyId.parse("bench"), secret: Buffer.alloc(32, 1) };
export const bareQueue = "bench-bare";

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
export function workMessages(ids: readonly string[], size: number): ServiceBusMessage[] {
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
      messages.push(
        stampedMessage(
          benchSigner,
          {
            messageId: MessageId.parse(messageId),
            tenant,
            branch: BranchId.parse("local"),
            definition,
            stream: "users",
            group,
            target,
            lane: Lane.parse(lane),
            cycleId: CycleId.parse("c1"),
            version,
            items: items.slice(from, from + size),
          },
          "bench",
        ),
      );
    }
    return messages;
  });
}

/** The emulators and the queues of one section. */
export class Bench {
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
  ): Promise<LoadResult> {
    const whole: LoadOrder = {
      ...order,
      connectionString: this.connectionString,
      settings: this.settings,
    };
    const script = path.join(workspaceRoot(), "apps/proof/dist/bench/load-process.js");
    const child = spawn(process.execPath, [script, JSON.stringify(whole)], {
      env: { PATH: this.#environment["PATH"] },
      stdio: ["ignore", "pipe", "inherit"],
    });
    return new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (!line.startsWith("{")) return;
        const said = JSON.parse(line) as {
          running?: boolean;
          result?: LoadResult;
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

export const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
