import { ServiceBusClient } from "@azure/service-bus";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import {
  AgentId,
  bodyHash,
  containers,
  eventProperties,
  Heartbeat,
  PARKED_MESSAGE_TYPE,
  type ParkedRecord,
  provenProperties,
  TargetName,
  type WorkMessage,
  workQueueName,
} from "@postern/contracts";
import type { ReceivedMessage } from "../src/ports/message-bus";
import { drainDeadLetter } from "../src/dead-letters/drain/dead-letter-drain";
import { listCycles } from "../src/cycles/cycle-views";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { keepParked } from "../src/parked/keep-parked";
import { watchParked } from "../src/parked/send-parked";
import { agentHandlers } from "../src/agents/http";
import type { Platform } from "../src/app/platform";
import { testSigner } from "./test-keys";
import { definition, definitionId, group, startWorld, type World } from "./world";

const V2 = "postern.sync.apply.v2";
const queue = workQueueName(group, TargetName.parse("db"));
const users = Array.from({ length: 5 }, (_, index) => ({
  id: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
  displayName: `Person ${index}`,
}));

let world: World;
let platform: Platform;
let client: ServiceBusClient;
let first: WorkMessage;
beforeEach(async () => {
  world = await startWorld({ users, groups: [] });
  platform = world.ports as Platform;
  client = new ServiceBusClient(world.bus.connectionString);
  await applyDefinition(world.ports, definition, {});
  await world.pump();
  const [taken, ...others] = await world.takeWork();
  if (taken === undefined) throw new Error("there is work");
  first = taken;
  await world.report(others);
});
afterEach(async () => {
  await client.close();
  await world.close();
});

/** An agent's word that it does not read a message, as the results queue gives it. */
function parked(message: WorkMessage, workMessageId: string = message.messageId): ReceivedMessage {
  const at = new Date().toISOString();
  const id = `k:${workMessageId}`;
  const payload = JSON.stringify({ ...message, newInTwo: true });
  return {
    messageId: id,
    deliveryCount: 0,
    properties: eventProperties({ id, source: "agent/old", type: PARKED_MESSAGE_TYPE, time: at }),
    body: {
      messageId: id,
      tenant: message.tenant,
      branch: message.branch,
      group,
      agent: "old",
      at,
      target: message.target,
      sessionId: message.lane,
      workMessageId,
      unreadType: V2,
      reason: "this agent reads postern.sync.apply.v1",
      properties: {
        ...eventProperties({ id: message.messageId, source: "/cloud", type: V2, time: at }),
        ...provenProperties(testSigner(), {
          ...message,
          messageId: workMessageId,
          type: V2,
          count: message.items.length,
          bodyHash: bodyHash(payload),
        }),
      },
      payload,
    },
  };
}

async function heartbeat(agent: string, capabilities: readonly string[]): Promise<void> {
  const at = new Date().toISOString();
  const body = Heartbeat.parse({
    group,
    branch: "test",
    host: agent,
    version: "2.0.0",
    capabilities,
    startedAt: at,
    state: "running",
    targets: [],
    itemsFinished: 0,
    lanesHeld: 0,
    jobs: [],
  });
  const caller = { oid: agent, azp: agent, name: agent, roles: ["Agent"] as const };
  type Call = Parameters<ReturnType<typeof agentHandlers>["heartbeat"]>[0];
  const call = { params: { id: AgentId.parse(agent) }, body, caller } as unknown as Call;
  const { status } = await agentHandlers(platform.forAgents).heartbeat(call);
  expect(status).toBe(200);
}

interface Waiting {
  readonly messageId: unknown;
  readonly type: unknown;
  readonly scheduled: boolean;
  readonly body: unknown;
}

async function inQueue(): Promise<Waiting[]> {
  const receiver = client.createReceiver(queue);
  try {
    const messages = await receiver.peekMessages(20);
    return messages.map((message) => ({
      messageId: message.messageId,
      type: message.applicationProperties?.["cloudEvents:type"],
      scheduled: message.state === "scheduled",
      body: message.body as unknown,
    }));
  } finally {
    await receiver.close();
  }
}

async function stored(): Promise<ParkedRecord[]> {
  const { resources } = await platform.database
    .container(containers.parked)
    .items.query<ParkedRecord>("SELECT * FROM c", { partitionKey: group })
    .fetchAll();
  return resources;
}

test("a message is parked once, however often it is reported, and its items stay pending in their cycle", async () => {
  await keepParked(platform, group, [parked(first)]);
  await keepParked(platform, group, [parked(first), parked(first)]);
  expect(await stored()).toMatchObject([{ state: "parked", workMessageId: first.messageId }]);
  const [cycle] = (await listCycles(world.ports, definitionId, { limit: 1 })).items;
  expect(cycle).toMatchObject({
    state: "running",
    pending: first.items.length,
    waiting: first.items.length,
    deadLettered: 0,
  });
});

test("an agent that reads the major version receives it once, under a new message id, when it registers", async () => {
  await keepParked(platform, group, [parked(first)]);
  await heartbeat("old", ["postern.sync.apply.v1"]);
  expect(await inQueue()).toEqual([]);
  await heartbeat("new", ["postern.sync.apply.v1", V2]);
  await heartbeat("new", ["postern.sync.apply.v1", V2]);
  await heartbeat("other", [`${V2}.1`]);
  const messages = await inQueue();
  expect(messages).toEqual([
    {
      messageId: `${first.messageId}~p1`,
      type: V2,
      scheduled: false,
      body: { ...first, newInTwo: true },
    },
  ]);
  expect(await stored()).toMatchObject([{ state: "sent", ttl: expect.any(Number) }]);
  // The agent parks it once more after it was sent.
  await keepParked(platform, group, [parked(first)]);
  expect(await watchParked(platform)).toBe(0);
  await world.report([first]);
  const [cycle] = (await listCycles(world.ports, definitionId, { limit: 1 })).items;
  expect(cycle).toMatchObject({
    state: "completed",
    pending: 0,
    waiting: 0,
    applied: users.length,
  });
});

test("an agent that is updated under its old id receives it too", async () => {
  await heartbeat("vm-1", ["postern.sync.apply.v1"]);
  await keepParked(platform, group, [parked(first)]);
  await heartbeat("vm-1", ["postern.sync.apply.v1", V2]);
  expect(await inQueue()).toHaveLength(1);
});

test("parked again by an old agent while a new one is there, it comes back later", async () => {
  await heartbeat("new", [V2]);
  await keepParked(platform, group, [parked(first)]);
  expect(await watchParked(platform)).toBe(1);
  await keepParked(platform, group, [parked(first, `${first.messageId}~p1`)]);
  expect(await watchParked(platform)).toBe(1);
  expect(await inQueue()).toMatchObject([
    { messageId: `${first.messageId}~p1`, scheduled: false },
    { messageId: `${first.messageId}~p2`, scheduled: true },
  ]);
});

test("a parked message that cannot be read is a dead letter", async () => {
  await keepParked(platform, group, [{ ...parked(first), body: { payload: 1 } }]);
  expect(await stored()).toEqual([]);
  const { resources } = await platform.database
    .container(containers.deadLetters)
    .items.query<Record<string, unknown>>("SELECT * FROM c", { partitionKey: group })
    .fetchAll();
  expect(resources).toMatchObject([{ code: "message-malformed", source: `results-${group}` }]);
});

test("a message that no agent reads does not hold back others", async () => {
  const V3 = "postern.sync.apply.v3";
  for (let n = 0; n < 50; n += 1) {
    const other = parked(first, `other:${n}`);
    const body = { ...(other.body as object), unreadType: V3 };
    await keepParked(platform, group, [{ ...other, body }]);
  }
  await keepParked(platform, group, [parked(first)]);
  await heartbeat("new", ["postern.sync.apply.v1", V2]);
  for (let minute = 0; minute < 5; minute += 1) await watchParked(platform);
  expect(await inQueue()).toMatchObject([{ messageId: `${first.messageId}~p1` }]);
});

test("sent again after parking, applied, reported and not settled: no dead letter", async () => {
  await keepParked(platform, group, [parked(first)]);
  await heartbeat("new", [V2]);
  const receiver = await client.acceptSession(queue, first.lane);
  const [again] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 2_000 });
  if (again === undefined) throw new Error("it was sent again");
  await receiver.close();
  // The new agent applies it, and reports under the id in the body, as agents do (report.ts); it never settles.
  await world.report([first]);
  await drainDeadLetter(
    world.ports,
    { queue, group },
    {
      messageId: String(again.messageId),
      body: first,
      deliveryCount: 1000,
      enqueuedAtMs: Date.now(),
      properties: { ...again.applicationProperties, DeadLetterReason: "MaxDeliveryCountExceeded" },
    },
  );
  const [cycle] = (await listCycles(world.ports, definitionId, { limit: 1 })).items;
  expect(cycle).toMatchObject({ applied: users.length, deadLettered: 0 });
});
