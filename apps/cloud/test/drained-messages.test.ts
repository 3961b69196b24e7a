import { afterEach, describe, expect, test } from "@jest/globals";
import {
  containers,
  contentHash,
  itemIdOf,
  laneOf,
  type ResultMessage,
  stampedParts,
  SyncDefinition,
  type WorkMessage,
  workProof,
} from "@postern/contracts";
import { createDeadLetterStore } from "../src/dead-letters/dead-letter-store";
import { drainDeadLetter } from "../src/dead-letters/drain/dead-letter-drain";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { listCycles } from "../src/cycles/cycle-views";
import type { Platform } from "../src/app/platform";
import { consumeResults } from "../src/results/results";
import { testSigner } from "./test-keys";
import {
  definition,
  definitionId,
  group,
  id,
  people,
  resultOf,
  startWorld,
  type World,
} from "./world";

/** What is drained from a dead-letter queue, by whomever it was put there. */
/** Rows of 23 kB: five of them are more than one part of a report. */
const wide = {
  ...definition,
  users: {
    object: "people",
    key: { id: "id" },
    columns: Object.fromEntries(
      ["a", "b", "c", "d", "e", "f"].map((column) => [column, `"${"x".repeat(3_900)}"`]),
    ),
  },
  groups: undefined,
  memberships: undefined,
};
/** As the cloud would send it. */
function provenWork(message: object) {
  return { ...message, proof: workProof(testSigner(), message as WorkMessage) };
}

let world: World;
afterEach(() => world.close());

test("a drained message with an odd property does not hide all other dead letters", async () => {
  world = await startWorld({ users: people(1), groups: [] });
  await drainDeadLetter(
    world.ports,
    { queue: "sync-main-db", group },
    {
      messageId: "odd",
      body: "x",
      deliveryCount: 1,
      enqueuedAtMs: Date.now(),
      properties: { "postern:target": "t".repeat(201), DeadLetterReason: "x" },
    },
  );
  const store = createDeadLetterStore((world.ports as Platform).database);
  expect((await store.list({}, { limit: 10 })).items).toHaveLength(1);
});

test("two items of one message with long ids are two dead letters", async () => {
  world = await startWorld({ users: [{ id: id(1), displayName: "Ada" }], groups: [] });
  const groupId = "g".repeat(99);
  const prefix = "m".repeat(80);
  const entities = [];
  for (let n = 0; entities.length < 2; n += 1) {
    const entity = {
      type: "membership" as const,
      id: `${groupId}/${prefix}${String(n).padStart(19, "0")}`,
    };
    if (laneOf(definitionId, entity) === `${definitionId}/00`) entities.push(entity);
  }
  const version = Date.now();
  const items = entities.map((entity) => {
    const state = {
      desired: "absent" as const,
      object: "members",
      key: { a: entity.id },
      values: {},
    };
    return {
      itemId: itemIdOf(definitionId, entity, version as never),
      entity,
      version,
      ...state,
      hash: contentHash(state),
    };
  });
  const messageId = `${definitionId}:${version}.00.0#0`;
  await drainDeadLetter(
    world.ports,
    { queue: "sync-main-db", group },
    {
      messageId,
      deliveryCount: 1000,
      enqueuedAtMs: version,
      body: provenWork({
        messageId,
        tenant: "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001",
        branch: "test",
        definition: definitionId,
        stream: "groups",
        group,
        target: "db",
        lane: `${definitionId}/00`,
        cycleId: "c1",
        version,
        items,
      }),
      properties: {
        "cloudEvents:time": new Date(version).toISOString(),
        "postern:definition": definitionId,
        "postern:cycleId": "c1",
        "postern:version": version,
        "postern:count": 2,
        "postern:target": "db",
        DeadLetterReason: "MaxDeliveryCountExceeded",
      },
    },
  );
  const { resources } = await (world.ports as Platform).database
    .container(containers.deadLetters)
    .items.query<{ source: string }>("SELECT * FROM c", { partitionKey: group })
    .fetchAll();
  expect(resources).toHaveLength(2);
});

describe("a message that was reported in part", () => {
  const several = async (): Promise<WorkMessage> => {
    world = await startWorld({ users: people(100), groups: [] });
    await applyDefinition(world.ports, SyncDefinition.parse(wide), {});
    await world.pump();
    const work = await world.takeWork();
    const parted = work.find(({ proof }) => proof.parts.length === 2);
    if (parted === undefined) throw new Error("there is a message of two parts");
    await world.report(work.filter((one) => one !== parted));
    return parted;
  };
  const expire = (message: WorkMessage): Promise<void> =>
    drainDeadLetter(
      world.ports,
      { queue: "sync-main-db", group },
      {
        messageId: message.messageId,
        body: message,
        deliveryCount: 1,
        enqueuedAtMs: Date.now(),
        properties: {
          "cloudEvents:time": new Date().toISOString(),
          "postern:definition": definitionId,
          "postern:cycleId": message.cycleId,
          "postern:version": message.version,
          "postern:count": message.items.length,
          "postern:target": "db",
          DeadLetterReason: "TTLExpiredException",
        },
      },
    );

  test.each([0, 1])("part %d: the items of the other are dead letters, once", async (index) => {
    const message = await several();
    const part = stampedParts(message)[index];
    if (part === undefined) throw new Error("it has two parts");
    const reported = message.items.slice(part.from, part.to);
    const inPart = resultOf([message], "applied");
    const body = inPart.body as ResultMessage;
    await consumeResults(world.ports, group, [
      { ...inPart, body: { ...body, results: body.results.slice(index, index + 1) } },
    ]);
    await expire(message);
    await expire(message);
    const missing = message.items.length - reported.length;
    const [cycle] = (await listCycles(world.ports, definitionId, { limit: 1 })).items;
    expect(cycle).toMatchObject({
      ...{ state: "completed", pending: 0, applied: 100 - missing, deadLettered: missing },
    });
    const store = createDeadLetterStore((world.ports as Platform).database);
    expect((await store.list({}, { limit: 100 })).items).toHaveLength(missing);
  });
});
