/**
 * The cloud side of an agent, for tests: the emulators in this process, a SQLite target with an audit of every row
 * change, and a small control API. The agent reaches all of it over the wire with the official SDKs.
 */
import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from "@azure/service-bus";
import {
  cosmosTopology,
  Heartbeat,
  problemOf,
  queueTopology,
  ResultMessage,
  type TargetName,
  type WorkMessage,
  workQueueName,
  type WorkMessageResult,
} from "@postern/contracts";
import { type CosmosEmulator, startCosmosEmulator } from "@postern/cosmos-emulator";
import { type ServiceBusEmulator, startServiceBusEmulator } from "@postern/service-bus-emulator";
import {
  type Agent,
  type AgentPorts,
  createAgent,
  type CreateAgentOptions,
  loadSettings,
} from "../src";
import type { Logger } from "@postern/runtime";
import { HttpControlApi } from "../src/control/http-control-api";
import { branch, type BusMessage, busMessage, group, target, tenant } from "./work";

export interface ControlCall {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** Built by `npm run build`, as the agent's own bundle. */
export const threadProgram = path.join(__dirname, "..", "dist", "target-thread.js");

export interface World {
  readonly bus: ServiceBusEmulator;
  readonly cosmos: CosmosEmulator;
  readonly client: ServiceBusClient;
  readonly directory: string;
  readonly database: DatabaseSync;
  readonly apiUrl: string;
  readonly calls: ControlCall[];
  readonly heartbeats: Heartbeat[];
  /** What the control API responds to a lease. */
  readonly lease: { status: number };
  readonly results: ResultMessage[];
  readonly jobResults: unknown[];
  outcomes(): Map<string, string[]>;
  send(messages: readonly WorkMessage[], to?: TargetName): Promise<void>;
  sendRaw(messages: readonly BusMessage[], queue: string): Promise<void>;
  deadLetters(queue: string): Promise<ServiceBusReceivedMessage[]>;
  settingsText(more?: string): string;
  agent(options?: {
    readonly ports?: Partial<AgentPorts>;
    readonly settings?: string;
  }): Promise<Agent>;
  /** Stops the broker for half a second and restarts it on the same port and with the same key, with empty queues. */
  restartBus(port: number): Promise<void>;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly lockDurationMs?: number;
  readonly targets?: readonly TargetName[];
  readonly lines?: (line: string, fields: unknown) => void;
}

export const silentLog: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (event, fields) => console.error(event, fields),
  child: () => silentLog,
};

export const bearer = { token: "local-token" };

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const groups = [{ name: group, targets: options.targets ?? [target] }];
  const timings =
    options.lockDurationMs === undefined ? {} : { lockDurationMs: options.lockDurationMs };
  const topology = { queues: queueTopology(groups, timings) };
  const sharedAccessKey = randomBytes(32).toString("base64");
  const [firstBus, cosmos] = await Promise.all([
    startServiceBusEmulator({ topology, sharedAccessKey }),
    startCosmosEmulator({
      topology: cosmosTopology(groups),
    }),
  ]);
  let bus = firstBus;
  const directory = mkdtempSync(path.join(tmpdir(), "postern-agent-"));
  const database = createTarget(path.join(directory, "target.db"));
  const calls: ControlCall[] = [];
  const heartbeats: Heartbeat[] = [];
  const lease = { status: 201 };
  const control = await startControl(calls, heartbeats, lease);
  const client = new ServiceBusClient(bus.connectionString, {
    retryOptions: { timeoutInMs: 5_000, maxRetries: 1, retryDelayInMs: 100 },
  });
  const results: ResultMessage[] = [];
  const jobResults: unknown[] = [];
  const consumer = consume(client, results, jobResults);
  const agents: Agent[] = [];
  const world: World = {
    get bus() {
      return bus;
    },
    restartBus: async (port) => {
      await bus.close();
      await new Promise((resolve) => setTimeout(resolve, 500));
      bus = await startServiceBusEmulator({ topology, sharedAccessKey, port });
    },
    cosmos,
    client,
    directory,
    database,
    calls,
    heartbeats,
    lease,
    results,
    jobResults,
    apiUrl: `http://127.0.0.1:${(control.address() as AddressInfo).port}/api`,
    outcomes: () => outcomesOf(results),
    send: (messages, to = target) =>
      world.sendRaw(
        messages.map((message) => busMessage(message)),
        workQueueName(group, to),
      ),
    sendRaw: async (messages, queue) => {
      const sender = client.createSender(queue);
      for (let from = 0; from < messages.length; from += 10) {
        await sender.sendMessages(
          messages.slice(from, from + 10).map((message) => ({ ...message })),
        );
      }
      await sender.close();
    },
    deadLetters: async (queue) => {
      const receiver = client.createReceiver(queue, {
        subQueueType: "deadLetter",
        receiveMode: "receiveAndDelete",
      });
      const letters = await receiver.receiveMessages(50, { maxWaitTimeInMs: 300 });
      await receiver.close();
      return letters;
    },
    settingsText: (more = "") => `
agentId: vm-1
branch: ${branch}
tenant: ${tenant}
group: ${group}
serviceBus: { connectionString: "${bus.connectionString}", acceptWaitMs: 2000 }
cosmos: { endpoint: "${cosmos.endpoint}", key: "${cosmos.key}" }
api: { baseUrl: "${world.apiUrl}", scope: "api://postern/.default" }
heartbeat: { intervalMs: 500 }
targets:
  ${target}: { connector: sql, url: "sqlite:${path.join(directory, "target.db")}" }
${more}`,
    agent: async ({ ports = {}, settings = "" } = {}) => {
      const loaded = loadSettings({
        env: {},
        fileText: world.settingsText(settings),
        readSecretFile: () => "",
      });
      const create: CreateAgentOptions = {
        settings: loaded.settings,
        threadProgram,
        ports: { log: silentLog, api: testApi(world), ...ports },
      };
      const agent = await createAgent(create);
      agents.push(agent);
      return agent;
    },
    close: async () => {
      await Promise.all([consumer.close(), client.close()]);
      // The broker goes first: the SDK ends a waiting accept when its socket drops, but not when its client is closed.
      await bus.close();
      await Promise.all(agents.map((agent) => agent.stop("test ends", 2_000)));
      database.close();
      control.closeAllConnections();
      control.close();
      await cosmos.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return world;
}

/** The agent's own HTTP client, with a token that needs no identity service. */
function testApi(world: World): AgentPorts["api"] {
  return new HttpControlApi({
    baseUrl: world.apiUrl,
    timeoutMs: 2_000,
    token: async () => bearer.token,
  });
}

export function createTarget(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE people (id TEXT PRIMARY KEY, display_name TEXT);
    CREATE TABLE audit (sequence INTEGER PRIMARY KEY, action TEXT, id TEXT, display_name TEXT);
    CREATE TRIGGER people_insert AFTER INSERT ON people BEGIN
      INSERT INTO audit (action, id, display_name) VALUES ('insert', new.id, new.display_name); END;
    CREATE TRIGGER people_update AFTER UPDATE ON people BEGIN
      INSERT INTO audit (action, id, display_name) VALUES ('update', new.id, new.display_name); END;
    CREATE TRIGGER people_delete AFTER DELETE ON people BEGIN
      INSERT INTO audit (action, id, display_name) VALUES ('delete', old.id, old.display_name); END;
  `);
  return database;
}

async function startControl(
  calls: ControlCall[],
  heartbeats: Heartbeat[],
  lease: { status: number },
): Promise<Server> {
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const body: unknown = JSON.parse(text === "" ? "null" : text);
      calls.push({ path: request.url ?? "", authorization: request.headers.authorization, body });
      const reply = (status: number, value: unknown): void => {
        response
          .writeHead(status, { "content-type": "application/json" })
          .end(JSON.stringify(value));
      };
      if (request.url?.endsWith("/heartbeat") === true) {
        heartbeats.push(Heartbeat.parse(body));
        reply(200, { cancellations: [], nextHeartbeatMs: 10_000 });
      } else if (lease.status === 201) {
        const leasedAt = new Date().toISOString();
        const proof = { key: "test-key", at: leasedAt, code: "A".repeat(43) };
        const lease = { attempt: 1, agent: "vm-1", leasedAt, leaseUntil: leasedAt, endedAt: null };
        reply(201, { ...lease, proof });
      } else reply(lease.status, { ...problemOf("attempt-held", "Why."), status: lease.status });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function consume(
  client: ServiceBusClient,
  results: ResultMessage[],
  jobResults: unknown[],
): ServiceBusReceiver {
  const receiver = client.createReceiver(`results-${group}`, { maxAutoLockRenewalDurationInMs: 0 });
  receiver.subscribe(
    {
      processMessage: async ({ body }) => {
        const parsed = ResultMessage.safeParse(body);
        if (parsed.success) results.push(parsed.data);
        else jobResults.push(body);
      },
      processError: async () => undefined,
    },
    { maxConcurrentCalls: 20 },
  );
  return receiver;
}

/** Outcomes of every item, in the order reported, counted once per work message id as the real consumer does. */
function outcomesOf(results: readonly ResultMessage[]): Map<string, string[]> {
  const counted = new Set<string>();
  const outcomes = new Map<string, string[]>();
  const once = ({ workMessageId }: WorkMessageResult): boolean => {
    if (counted.has(workMessageId)) return false;
    counted.add(workMessageId);
    return true;
  };
  for (const result of results.flatMap((message) => message.results).filter(once)) {
    for (const { itemId, outcome } of result.items) {
      outcomes.set(itemId, [...(outcomes.get(itemId) ?? []), outcome]);
    }
  }
  return outcomes;
}

export async function eventually(
  what: string,
  check: () => boolean | Promise<boolean>,
  withinMs = 25_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
