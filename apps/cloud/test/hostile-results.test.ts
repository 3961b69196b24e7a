/**
 * What a sender with the rights of a worker group tries on the results queue, over real Service Bus and Cosmos wires.
 */
import { ServiceBusClient } from "@azure/service-bus";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import {
  contentHash,
  containers,
  itemIdOf,
  type ResultMessage,
  type SecurityEvent,
  SyncDefinition,
  type TargetName,
  type Version,
  type WorkItem,
  type WorkMessage,
  workQueueName,
} from "@postern/contracts";
import type { Platform } from "../src/app/platform";
import { listCycles } from "../src/cycles/cycle-views";
import { createDeadLetterStore } from "../src/dead-letters/dead-letter-store";
import { replayDeadLetters } from "../src/dead-letters/replay/replay";
import type { ReceivedMessage } from "../src/ports/message-bus";
import { consumeResults } from "../src/results/results";
import { judgePending } from "../src/security/pending-message";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { type TestKeys, testKey } from "./test-keys";
import {
  definitionId,
  group,
  lettersOf,
  onlyUsers,
  people,
  resultOf,
  startWorld,
  type World,
} from "./world";

const PEOPLE = 3;
const queue = workQueueName(group, "db" as TargetName);
let world: World;
let keys: TestKeys;
/** What an honest agent holds. */
let work: WorkMessage[];
let client: ServiceBusClient;

beforeEach(async () => {
  world = await startWorld({ users: people(PEOPLE), groups: [] });
  keys = world.ports.workKeys as TestKeys;
  client = new ServiceBusClient(world.bus.connectionString);
  await applyDefinition(world.ports, SyncDefinition.parse(onlyUsers), {});
  await world.pump();
  work = await world.takeWork();
});
afterEach(async () => {
  await client.close();
  await world.close();
});

type Results = ResultMessage["results"];

/** A result message as the queue gives it, with its results changed by its sender. */
function changed(message: ReceivedMessage, change: (results: Results) => unknown): ReceivedMessage {
  const body = message.body as ResultMessage;
  return { ...message, body: { ...body, results: change(structuredClone(body.results)) } };
}

function securityOf() {
  return { container: (world.ports as Platform).database.container(containers.security) };
}

async function events(): Promise<SecurityEvent[]> {
  const { resources } = await securityOf()
    .container.items.query<SecurityEvent>("SELECT * FROM c WHERE c.type = 'event'", {
      partitionKey: group,
    })
    .fetchAll();
  return resources;
}

async function waiting() {
  const receiver = client.createReceiver(queue);
  const messages = await receiver.peekMessages(50);
  await receiver.close();
  return messages;
}

const cycle = async () => (await listCycles(world.ports, definitionId, { limit: 1 })).items.at(0);

test("an invented item that waits is not sent, not counted, and is a security event", async () => {
  const [held] = work;
  if (held === undefined) throw new Error("there is work");
  const [item] = held.items;
  if (item === undefined) throw new Error("it has an item");
  const forged = (version: number, values: WorkItem["values"]): WorkItem => {
    const content = { desired: "present", object: "people", key: item.key, values } as const;
    const itemId = itemIdOf(definitionId, item.entity, version as Version);
    const hash = contentHash(content);
    return { itemId, entity: item.entity, version: version as Version, ...content, hash };
  };
  for (const one of [
    forged(Number.MAX_SAFE_INTEGER, { name: "frozen" }),
    forged(item.version, { name: "overwritten" }),
  ]) {
    await consumeResults(world.ports, group, [
      changed(resultOf([held], "waiting"), (results) =>
        results.map((result) => ({
          ...result,
          version: one.version,
          items: result.items.map((reported, index) =>
            index > 0
              ? reported
              : { ...reported, ...one, outcome: "waiting", item: one, values: undefined },
          ),
        })),
      ),
    ]);
  }
  expect(await waiting()).toEqual([]);
  expect(await cycle()).toMatchObject({ pending: PEOPLE });
  expect((await events()).map(({ kind }) => kind)).toEqual(["code-wrong", "code-wrong"]);
  // The true report counts afterwards.
  await world.report(work);
  expect(await cycle()).toMatchObject({ state: "completed", applied: PEOPLE });
});

test("who reports an id first without having held the work swallows nothing", async () => {
  await consumeResults(world.ports, group, [
    changed(resultOf(work, "applied"), (results) =>
      results.map((result) => ({ ...result, proof: { ...result.proof, code: "A".repeat(43) } })),
    ),
  ]);
  await consumeResults(world.ports, group, [
    resultOf(work, "dead-lettered", { code: "target-rejected", reason: "too long" }),
  ]);
  expect(await lettersOf(world)).toHaveLength(PEOPLE);
  expect(await cycle()).toMatchObject({ applied: 0, deadLettered: PEOPLE });
});

test("a second report by the same agent of the same time that says something else has no effect", async () => {
  const first = resultOf(work, "applied");
  await consumeResults(world.ports, group, [first]);
  await consumeResults(world.ports, group, [
    changed(first, (results) =>
      results.map((result) => ({
        ...result,
        items: result.items.map((item) => ({
          ...item,
          outcome: "dead-lettered",
          code: "target-rejected",
          reason: "a lie",
        })),
      })),
    ),
  ]);
  expect(await lettersOf(world)).toEqual([]);
  expect(await cycle()).toMatchObject({ applied: PEOPLE, deadLettered: 0 });
});

test("an item that waits comes back as it went out, within two hours, with its true first attempt", async () => {
  const before = Date.now();
  const longAgo = "2001-01-01T00:00:00.000Z";
  await consumeResults(world.ports, group, [
    resultOf(work, "waiting", {
      failure: "transient",
      retryAt: "2099-01-01T00:00:00.000Z",
      firstAttemptAt: longAgo,
    }),
  ]);
  const copies = await waiting();
  expect(copies).toHaveLength(PEOPLE);
  for (const copy of copies) {
    const { items, firstAttemptAt = "" } = copy.body as WorkMessage;
    expect(work.flatMap((message) => message.items)).toContainEqual(items[0]);
    expect(Date.parse(firstAttemptAt)).toBeGreaterThan(before - 60_000);
    expect(copy.scheduledEnqueueTimeUtc?.getTime()).toBeLessThan(Date.now() + 2 * 3_600_000 + 1);
  }
});

test("a result whose key is not known is kept, and counts once the vault has the key", async () => {
  const late = testKey("late-key");
  keys.keys.push(late);
  // Another entity, stamped with the new key by an instance that has it already.
  await world.call("POST", "/users", { displayName: "Zoë", accountEnabled: true, ...account });
  await world.tickAndPump();
  const stamped = await world.takeWork();
  expect(stamped.map(({ proof }) => proof.key)).toEqual(["late-key"]);
  keys.keys.pop();
  const report = resultOf([...work, ...stamped], "applied");
  await consumeResults(world.ports, group, [report]);
  await consumeResults(world.ports, group, [report]);
  const kept = async () => (await events()).filter(({ kind }) => kind === "key-unknown");
  expect(await kept()).toMatchObject([{ pending: expect.any(String) }]);
  const judge = () =>
    judgePending(world.ports, (name, message) => consumeResults(world.ports, name, [message]));
  expect(await judge()).toBe(0);
  keys.keys.push(late);
  expect(await judge()).toBe(1);
  expect(await judge()).toBe(0);
  const { items } = await listCycles(world.ports, definitionId, { limit: 5 });
  expect(items.map(({ applied, pending }) => [applied, pending])).toEqual([
    [1, 0],
    [PEOPLE, 0],
  ]);
  expect((await kept())[0]).not.toHaveProperty("pending");
});
const account = {
  userPrincipalName: "zoe@contoso.example",
  mailNickname: "zoe",
  passwordProfile: { password: "Ein-Passwort-1" },
};

test("messages that name invented keys do not stand before those whose key comes later", async () => {
  const late = testKey("late-key");
  keys.keys.push(late);
  await world.call("POST", "/users", { displayName: "Zoë", accountEnabled: true, ...account });
  await world.tickAndPump();
  const stamped = await world.takeWork();
  keys.keys.pop();
  // Older than the true one, and more than one look takes.
  const { container } = securityOf();
  const [held] = work;
  if (held === undefined) throw new Error("there is work");
  for (let n = 0; n < 210; n += 1) {
    await container.items.create({
      id: `20200101T000000000Z-${String(n).padStart(4, "0")}`,
      type: "event",
      ...{ group, kind: "key-unknown", at: "2020-01-01T00:00:00.000Z", queue: "results-main" },
      ...{ agent: null, messageId: null, detail: "x", digest: `invented-${n}` },
      ...{ pending: "{}", key: `invented-${n}` },
    });
  }
  await consumeResults(world.ports, group, [resultOf(stamped, "applied")]);
  keys.keys.push(late);
  const judged = await judgePending(world.ports, (name, message) =>
    consumeResults(world.ports, name, [message]),
  );
  expect(judged).toBe(1);
});

test("a result that is too long to be kept while its key is unknown is delivered again", async () => {
  keys.keys.splice(0, 1, testKey("other-key"));
  const reason = "x".repeat(4_000);
  const long = resultOf(work, "dead-lettered", { code: "target-rejected", reason });
  const body = long.body as ResultMessage;
  const [first] = body.results;
  const [item] = first?.items ?? [];
  if (first === undefined || item === undefined) throw new Error("there is a result");
  const many = { ...first, items: Array.from({ length: 60 }, () => item) };
  await expect(
    consumeResults(world.ports, group, [{ ...long, body: { ...body, results: [many] } }]),
  ).rejects.toMatchObject({ name: "ServiceUnavailable", service: "key-vault" });
});

test("the work of a key that leaked counts no more, and a new key's does", async () => {
  keys.keys.push(testKey("second-key"));
  keys.revoked.add("first-key");
  await world.report(work);
  expect(await cycle()).toMatchObject({ applied: 0, pending: PEOPLE });
  expect((await events()).every(({ kind }) => kind === "key-revoked")).toBe(true);
});

test("of a flood of forgeries twenty are kept, and all are counted", async () => {
  const [held] = work;
  if (held === undefined) throw new Error("there is work");
  const forgeries = Array.from({ length: 25 }, (_, n) =>
    changed(resultOf([held], "applied"), (results) =>
      results.map((result) => ({
        ...result,
        workMessageId: `forged-${n}`,
      })),
    ),
  );
  await consumeResults(world.ports, group, forgeries);
  expect(await events()).toHaveLength(20);
  const { resources } = await (world.ports as Platform).database
    .container(containers.security)
    .items.query<{ count: number }>("SELECT * FROM c WHERE c.type = 'count'")
    .fetchAll();
  expect(resources.reduce((sum, { count }) => sum + count, 0)).toBe(25);
});

test("what an agent gives back instead of its item is replayed from the index", async () => {
  const [held] = work;
  const item = held?.items[0];
  if (held === undefined || item === undefined) throw new Error("there is work");
  const lie = { ...item, values: { ...item.values, name: "someone else" } };
  await consumeResults(world.ports, group, [
    resultOf([held], "dead-lettered", { code: "target-rejected", reason: "x", item: lie }),
  ]);
  const store = createDeadLetterStore((world.ports as Platform).database);
  const [letter] = (await store.list({}, { limit: 1 })).items;
  expect(letter).toMatchObject({ proven: false, payload: "" });
  const stored = await store.read(letter?.id ?? "", group);
  if (stored === undefined) throw new Error("the letter is stored");
  const order = { by: { oid: "o", azp: "a", name: "Ada" }, reason: "try", traceId: "t" };
  const [replayed] = await replayDeadLetters(world.ports as Platform, [stored], order);
  expect(replayed).toMatchObject({ outcome: "replayed" });
  const [again] = await world.takeWork();
  expect(again?.items).toEqual([item]);
});
