import { afterEach, beforeEach, expect, test } from "@jest/globals";
import {
  bodyHash,
  containers,
  provenProperties,
  WORK_MESSAGE_TYPE,
  type WorkMessage,
} from "@postern/contracts";
import { drainDeadLetter } from "../src/dead-letters/drain/dead-letter-drain";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { listCycles } from "../src/cycles/cycle-views";
import type { Platform } from "../src/app/platform";
import { testSigner } from "./test-keys";
import { definition, definitionId, group, startWorld, type World } from "./world";

const users = Array.from({ length: 5 }, (_, index) => ({
  id: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
  displayName: `Person ${index}`,
}));

let world: World;
beforeEach(async () => {
  world = await startWorld({ users, groups: [] });
});
afterEach(() => world.close());

const queue = { queue: "sync-main-db", group };

async function stored(): Promise<Record<string, unknown>[]> {
  const { database } = world.ports as Platform;
  const { resources } = await database
    .container(containers.deadLetters)
    .items.query<Record<string, unknown>>("SELECT * FROM c", { partitionKey: group })
    .fetchAll();
  return resources;
}

/** A message as the dead-letter queue gives it. */
function dead(message: { messageId: string; body: unknown; count: number; version: number }) {
  return {
    messageId: message.messageId,
    body: message.body,
    deliveryCount: 3,
    enqueuedAtMs: Date.parse("2026-03-01T08:00:00Z"),
    properties: {
      "cloudEvents:time": "2026-03-01T08:00:00Z",
      ...(place === undefined
        ? { "postern:definition": definitionId, "postern:target": "db" }
        : provenProperties(testSigner(), {
            ...place,
            messageId: message.messageId,
            type: WORK_MESSAGE_TYPE,
            count: message.count,
            bodyHash: bodyHash(JSON.stringify(message.body)),
          })),
      "cloudEvents:type": WORK_MESSAGE_TYPE,
      DeadLetterReason: "MaxDeliveryCountExceeded",
      DeadLetterErrorDescription: "gave up after 1000 deliveries",
    },
  };
}
/** Where the message that is given up belongs. */
let place: WorkMessage | undefined;
beforeEach(() => {
  place = undefined;
});

/** An initial cycle of which one message has no outcome yet. */
async function allButOneReported() {
  await applyDefinition(world.ports, definition, {});
  await world.pump();
  const [first, ...others] = await world.takeWork();
  if (first === undefined) throw new Error("there is work");
  await world.report(others);
  place = first;
  return { first, ...first };
}

test("a message that is given up becomes one dead letter per item, its cycle ends, and draining twice changes nothing", async () => {
  const { first, messageId, version, items } = await allButOneReported();
  const message = dead({ messageId, version, body: first, count: items.length });
  await drainDeadLetter(world.ports, queue, message);
  await drainDeadLetter(world.ports, queue, message);

  expect(await stored()).toHaveLength(items.length);
  expect((await stored())[0]).toMatchObject({
    by: "broker",
    code: "delivery-limit",
    reason: "gave up after 1000 deliveries",
    definition: definitionId,
    itemId: items[0]?.itemId,
    deliveryCount: 3,
  });
  const cycles = await listCycles(world.ports, definitionId, { limit: 1 });
  expect(cycles.items[0]).toMatchObject({
    state: "completed",
    deadLettered: items.length,
    applied: users.length - items.length,
  });
});

test("two copies of a message, sent outside the duplicate detection window, are one dead letter per item", async () => {
  const { first, messageId, version, items } = await allButOneReported();
  const copy = dead({ messageId, version, body: first, count: items.length });
  const later = {
    ...copy,
    properties: { ...copy.properties, "cloudEvents:time": "2026-03-01T08:20:00Z" },
  };
  for (const each of [copy, later, copy, later]) await drainDeadLetter(world.ports, queue, each);
  expect(await stored()).toHaveLength(items.length);
  const cycles = await listCycles(world.ports, definitionId, { limit: 1 });
  expect(cycles.items[0]).toMatchObject({ state: "completed", deadLettered: items.length });
});

test("a message with a broken body is counted by its properties", async () => {
  const { messageId, version, items } = await allButOneReported();
  await drainDeadLetter(
    world.ports,
    queue,
    dead({ messageId, version, body: "{broken", count: items.length }),
  );
  expect(await stored()).toMatchObject([{ itemId: null, version, payload: "{broken" }]);
  const cycles = await listCycles(world.ports, definitionId, { limit: 1 });
  expect(cycles.items[0]).toMatchObject({ state: "completed", deadLettered: items.length });
});

test("a message that its agent reported but could not settle is not a dead letter", async () => {
  await applyDefinition(world.ports, definition, {});
  await world.pump();
  const messages = await world.takeWork();
  await world.report(messages);
  const [first] = messages;
  if (first === undefined) throw new Error("there is work");
  place = first;
  const { messageId, version, items } = first;
  await drainDeadLetter(
    world.ports,
    queue,
    dead({ messageId, version, body: first, count: items.length }),
  );
  expect(await stored()).toEqual([]);
  const cycles = await listCycles(world.ports, definitionId, { limit: 1 });
  expect(cycles.items[0]).toMatchObject({ applied: users.length, deadLettered: 0 });
});

test.each(["constructor", "toString", "__proto__"])(
  "a receiver that names %s as its reason cannot keep the message from being stored",
  async (reason) => {
    const message = dead({ messageId: "people:1.00.1#0", version: 1, body: "text", count: 1 });
    const properties = { ...message.properties, DeadLetterReason: reason };
    await drainDeadLetter(world.ports, queue, { ...message, properties });
    expect(await stored()).toMatchObject([{ code: reason, by: "agent" }]);
  },
);
