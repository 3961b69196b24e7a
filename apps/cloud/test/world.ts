/**
 * Everything around the sync half of the cloud, for tests: the emulators in this process, a directory that is changed
 * over Graph's own interface, the platform as production wires it, and a pump that hands start messages to the runner
 * as the queue trigger does.
 */
import { ServiceBusClient, type ServiceBusReceivedMessage } from "@azure/service-bus";
import {
  containers,
  cosmosTopology,
  DefinitionId,
  entityKey,
  eventProperties,
  GroupName,
  type ItemOutcome,
  lanesOf,
  queueTopology,
  readMessage,
  RESULT_MESSAGE_TYPE,
  START_MESSAGE_TYPE,
  StartMessage,
  startQueueName,
  startSession,
  type StreamName,
  stampedParts,
  SyncDefinition,
  TargetName,
  type WorkItem,
  workKeySecretName,
  WorkMessage,
  WORK_MESSAGE_TYPE,
  workQueueName,
} from "@postern/contracts";
import { type CosmosEmulator, startCosmosEmulator } from "@postern/cosmos-emulator";
import { localCertificates } from "@postern/emulator-kit";
import { type EntraEmulator, startEntraEmulator } from "@postern/entra-emulator";
import { type GraphEmulator, startGraphEmulator, type TenantInput } from "@postern/graph-emulator";
import {
  type KeyVaultEmulator,
  type KeyVaultEmulatorOptions,
  startKeyVaultEmulator,
} from "@postern/key-vault-emulator";
import { type ServiceBusEmulator, startServiceBusEmulator } from "@postern/service-bus-emulator";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { ReceivedMessage } from "../src/ports/message-bus";
import { runOnDemand } from "../src/sync/pages/on-demand";
import { runPages } from "../src/sync/pages/page-run";
import type { CycleWatchPorts } from "../src/sync/watch/cycle-watch";
import { consumeResults } from "../src/results/results";
import { StreamClaims } from "../src/sync/streams/stream-claims";
import { tick } from "../src/sync/streams/sync-timer";
import { createPlatform, type Platform } from "../src/app/platform";
import { testKeys } from "./test-keys";
import { loadSettings } from "../src/settings";

const tenantId = "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001";
const clientId = "0b0e6f0c-6d0e-4c39-8a51-aaaaaaaaaaaa";
const clientSecret = "let-me-in";
const audience = "https://graph.microsoft.com";
const groups = [{ name: GroupName.parse("main"), targets: [TargetName.parse("db")] }];
export const group = GroupName.parse("main");
export const definitionId = DefinitionId.parse("directory");
const vaultTopology: KeyVaultEmulatorOptions["topology"] = {
  rights: [{ principal: clientId, secret: workKeySecretName, verbs: ["get", "list"] }],
  secrets: [{ name: workKeySecretName, randomBytes: 32 }],
};
const workQueue = workQueueName(group, TargetName.parse("db"));

export const definition = SyncDefinition.parse({
  id: "directory",
  group: "main",
  target: "db",
  users: {
    object: "people",
    key: { id: "id" },
    columns: {
      name: "displayName",
      mail: "mail",
      manager_id: "manager.id",
      enabled: "accountEnabled",
    },
  },
  groups: { object: "groups", key: { id: "id" }, columns: { name: "displayName" } },
  memberships: { object: "members", key: { group_id: "group.id", member_id: "member.id" } },
});

const { groups: _groups, memberships: _memberships, ...peopleAlone } = definition;
/** The same without groups and memberships. */
export const onlyUsers = peopleAlone;

/** An object id that ends in this number. */
export function id(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
}

/** People from number 0 on. */
export function people(count: number) {
  return Array.from({ length: count }, (_, n) => ({
    id: id(n),
    displayName: `P${n}`,
    accountEnabled: true,
  }));
}

export interface World {
  readonly graph: GraphEmulator;
  readonly cosmos: CosmosEmulator;
  readonly bus: ServiceBusEmulator;
  readonly vault: KeyVaultEmulator;
  /** The platform, with some ports replaced where a test says so. */
  readonly ports: CycleWatchPorts;
  override(ports: Partial<CycleWatchPorts>): void;
  readonly claims: StreamClaims;
  /** Calls Microsoft Graph as an administrator does. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  tick(): Promise<void>;
  /** Runs start messages of both streams until none is waiting. */
  pump(): Promise<void>;
  tickAndPump(): Promise<void>;
  /** Takes start messages off the queue without doing what they ask. */
  takeStarts(): Promise<void>;
  /** Takes all work messages off the queue, and keeps what they want of the target. */
  takeWork(): Promise<WorkMessage[]>;
  /** Reports an outcome for every item of these messages. */
  report(messages: readonly WorkMessage[], outcome?: ItemOutcome): Promise<void>;
  /** What the target would hold: of each entity the item with the highest version. */
  readonly target: Map<string, WorkItem>;
  present(): string[];
  close(): Promise<void>;
}

export async function startWorld(seed: TenantInput): Promise<World> {
  const directory = mkdtempSync(path.join(tmpdir(), "postern-cloud-"));
  const certificates = await localCertificates(directory);
  setDefaultCACertificates([
    ...getCACertificates("default"),
    readFileSync(certificates.caFile, "utf8"),
  ]);
  const roles = { [audience]: ["Directory.ReadWrite.All", "Directory.Read.All"] };
  const clients = [{ clientId, clientSecret, roles }];
  const entra = await startEntraEmulator({ port: 0, certificates, tenantId, clients });
  const { issuer } = entra;
  const [graph, cosmos, bus, vault] = await Promise.all([
    startGraphEmulator({ port: 0, certificates, issuer, seed }),
    startCosmosEmulator({
      topology: cosmosTopology(groups),
    }),
    startServiceBusEmulator({ topology: { queues: queueTopology(groups) } }),
    startKeyVaultEmulator({ certificates, issuer, topology: vaultTopology }),
  ]);
  const restoreEnvironment = useIdentity(entra);
  const made = createPlatform(settingsOf({ graph, cosmos, bus, vault, entra }), {
    writeLog: () => undefined,
  });
  // Keys that a test can add to, take away and revoke. Those of a vault have tests of their own.
  const platform: Platform = { ...made, workKeys: testKeys() };
  const client = new ServiceBusClient(bus.connectionString, {
    retryOptions: { timeoutInMs: 20_000, maxRetries: 0 },
  });
  return buildWorld({
    ...{ graph, cosmos, bus, vault, entra },
    ...{ platform, client, restoreEnvironment, directory },
  });
}

function settingsOf({
  graph,
  cosmos,
  bus,
  vault,
  entra,
}: Pick<Parts, "graph" | "cosmos" | "bus" | "vault" | "entra">) {
  return loadSettings({
    TENANT_ID: tenantId,
    BRANCH: "test",
    WORKER_GROUPS: JSON.stringify(groups),
    SYNC_SCHEDULE: "*/1 * * * * *",
    ServiceBusConnection: bus.connectionString,
    COSMOS_ENDPOINT: cosmos.endpoint,
    COSMOS_KEY: cosmos.key,
    KEY_VAULT_URL: vault.url,
    KEY_VAULT_DISABLE_CHALLENGE_RESOURCE_VERIFICATION: "true",
    GRAPH_BASE_URL: graph.graph,
    GRAPH_SCOPE: `${audience}/.default`,
    AUTH_ISSUER: entra.issuer,
    AUTH_AUDIENCE: "api://postern",
    IDENTITY_DISABLE_INSTANCE_DISCOVERY: "true",
  });
}

/** The identity library finds its client in the environment, in the tests as in production. */
function useIdentity(entra: EntraEmulator): () => void {
  const wanted = {
    AZURE_TENANT_ID: tenantId,
    AZURE_CLIENT_ID: clientId,
    AZURE_CLIENT_SECRET: clientSecret,
    AZURE_AUTHORITY_HOST: entra.authority,
  };
  const before = Object.keys(wanted).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, wanted);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

interface Parts {
  readonly graph: GraphEmulator;
  readonly cosmos: CosmosEmulator;
  readonly bus: ServiceBusEmulator;
  readonly vault: KeyVaultEmulator;
  readonly platform: Platform;
  readonly client: ServiceBusClient;
  readonly entra: EntraEmulator;
  readonly restoreEnvironment: () => void;
  readonly directory: string;
}

function buildWorld(parts: Parts): World {
  const { graph, cosmos, bus, vault, platform, client } = parts;
  let ports: CycleWatchPorts = platform;
  const target = new Map<string, WorkItem>();
  let ticks = platform.clock.now();
  const world: World = {
    graph,
    cosmos,
    bus,
    vault,
    get ports() {
      return ports;
    },
    override: (replaced) => {
      ports = { ...ports, ...replaced };
    },
    claims: new StreamClaims(platform),
    call: async (method, route, body) => {
      const token = await platform.credential.getToken(`${audience}/.default`);
      const response = await fetch(`${graph.graph}/v1.0${route}`, {
        method,
        headers: {
          authorization: `Bearer ${token?.token ?? ""}`,
          "content-type": "application/json",
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
      return text === "" ? undefined : (JSON.parse(text) as unknown);
    },
    tick: async () => {
      // Ticks are ids: two within one test must differ, and be newer than the last poll.
      ticks = Math.max(ticks + 1, platform.clock.now() + 1);
      await tick(ports, ticks);
    },
    pump: async () => {
      // A page run of one stream never starts work of the other: an empty look at both is the end.
      for (let handled = 1; handled > 0;) {
        handled = 0;
        for (const stream of ["users", "groups"] as const) {
          handled += await pumpStream(client, stream, world);
        }
      }
    },
    tickAndPump: async () => {
      await world.tick();
      await world.pump();
    },
    takeStarts: async () => {
      for (const stream of ["users", "groups"] as const) {
        await receiveAll(client, startQueueName, startSession(definitionId, stream));
      }
    },
    takeWork: async () => {
      const taken: WorkMessage[] = [];
      const lanes = await Promise.all(
        lanesOf(definitionId).map((lane) => receiveAll(client, workQueue, lane)),
      );
      for (const messages of lanes) {
        for (const message of messages) {
          taken.push(
            readMessage(
              { schema: WorkMessage, type: WORK_MESSAGE_TYPE },
              message.applicationProperties,
              message.body,
            ),
          );
        }
      }
      for (const { items } of taken) {
        for (const item of items) {
          const key = entityKey(item.entity);
          if ((target.get(key)?.version ?? 0) < item.version) target.set(key, item);
        }
      }
      return taken;
    },
    report: (messages, outcome = "applied") =>
      consumeResults(ports, group, [resultOf(messages, outcome)]),
    target,
    present: () =>
      [...target].flatMap(([key, { desired }]) => (desired === "present" ? [key] : [])).sort(),
    close: async () => {
      await client.close();
      await platform.close();
      await Promise.all([graph, cosmos, bus, vault, parts.entra].map((each) => each.close()));
      parts.restoreEnvironment();
      rmSync(parts.directory, { recursive: true, force: true });
    },
  };
  return world;
}

async function pumpStream(
  client: ServiceBusClient,
  stream: StreamName,
  world: World,
): Promise<number> {
  const messages = await receiveAll(client, startQueueName, startSession(definitionId, stream));
  for (const message of messages) {
    const start = readMessage(
      { schema: StartMessage, type: START_MESSAGE_TYPE },
      message.applicationProperties,
      message.body,
    );
    const options = { ports: world.ports, claims: world.claims };
    const { onDemand } = start;
    if (onDemand === undefined) await runPages(options, start);
    else await runOnDemand(options, { ...start, onDemand });
  }
  return messages.length;
}

/** What a session holds now, taken off the queue. */
async function receiveAll(
  client: ServiceBusClient,
  queue: string,
  session: string,
): Promise<ServiceBusReceivedMessage[]> {
  const receiver = await client.acceptSession(queue, session);
  try {
    const all: ServiceBusReceivedMessage[] = [];
    for (;;) {
      const messages = await receiver.receiveMessages(100, { maxWaitTimeInMs: 100 });
      if (messages.length === 0) break;
      for (const message of messages) await receiver.completeMessage(message);
      all.push(...messages);
    }
    return all;
  } finally {
    await receiver.close();
  }
}

/** Dead letters of the group, as they are stored. */
export async function lettersOf({ ports }: World): Promise<Record<string, unknown>[]> {
  const { resources } = await (ports as Platform).database
    .container(containers.deadLetters)
    .items.query<Record<string, unknown>>("SELECT * FROM c", { partitionKey: group })
    .fetchAll();
  return resources;
}

let results = 0;

export function resultOf(
  messages: readonly WorkMessage[],
  outcome: ItemOutcome,
  more: Record<string, unknown> = {},
): ReceivedMessage {
  const messageId = `r:${(results += 1)}`;
  const at = new Date().toISOString();
  return {
    messageId,
    deliveryCount: 1,
    properties: eventProperties({
      id: messageId,
      source: "/test/agent",
      type: RESULT_MESSAGE_TYPE,
      time: at,
    }),
    body: {
      messageId,
      tenant: tenantId,
      branch: "test",
      group,
      agent: "agent-1",
      at,
      results: messages.flatMap((message) => partResults(message, outcome, more)),
    },
  };
}

/** The results of a message's parts, as an agent that holds it reports them. */
export function partResults(
  message: WorkMessage,
  outcome: ItemOutcome,
  more: Record<string, unknown> = {},
) {
  const { key, at } = message.proof;
  const { firstAttemptAt } = message;
  return stampedParts(message).map(({ id, from, to, code }) => ({
    workMessageId: id,
    definition: message.definition,
    stream: message.stream,
    target: message.target,
    lane: message.lane,
    cycleId: message.cycleId,
    ...(message.jobId === undefined ? {} : { jobId: message.jobId }),
    version: message.version,
    items: message.items.slice(from, to).map((item) => ({
      itemId: item.itemId,
      entity: item.entity,
      version: item.version,
      hash: item.hash,
      outcome,
      ...(outcome === "waiting" || outcome === "dead-lettered" ? { item } : {}),
      ...more,
    })),
    proof: {
      key,
      at,
      ...(firstAttemptAt === undefined ? {} : { firstAttemptAt }),
      code,
    },
  }));
}
