import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  contentHash,
  itemIdOf,
  type Lane,
  type TargetName,
  type Version,
  workQueueName,
} from "@postern/contracts";
import type { Agent, AgentPorts, TargetPort } from "../src";
import { loadSettings } from "../src";
import {
  busMessage,
  definition,
  group,
  idsInLane,
  workMessageOf,
  person,
  target,
  workOf,
} from "./work";
import { eventually, startWorld, threadProgram, type World } from "./world";

let world: World;
let agent: Agent;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const queue = workQueueName(group, target);
const lane = `${definition}/03` as Lane;
const idOf = (id: string, version: number): string =>
  itemIdOf(definition, { type: "user", id }, version as Version);
const people = (count: number, version: number): { id: string; version: number; name: string }[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `u${index}`,
    version,
    name: `Person ${index} at ${version}`,
  }));

interface Row {
  readonly action: string;
  readonly id: string;
  readonly display_name: string | null;
}
const audit = (): Row[] =>
  world.database
    .prepare("SELECT action, id, display_name FROM audit ORDER BY sequence")
    .all() as unknown as Row[];

async function start(ports: Partial<AgentPorts> = {}, settings = ""): Promise<void> {
  agent = await world.agent({ ports, settings });
  agent.start();
}

/** The real SQLite target, with some of its methods replaced. */
function realTarget(change: (real: TargetPort) => Partial<TargetPort>): Partial<AgentPorts> {
  const { settings } = loadSettings({
    env: {},
    fileText: world.settingsText(),
    readSecretFile: () => "",
  });
  const entry = settings.targets[0];
  if (entry === undefined) throw new Error("the settings have a target");
  const real = entry.open(threadProgram);
  const bound: TargetPort = {
    name: real.name,
    kind: real.kind,
    hasInbox: real.hasInbox,
    maxBatchItems: real.maxBatchItems,
    probe: (options) => real.probe(options),
    apply: (items, options) => real.apply(items, options),
    close: () => real.close(),
  };
  return { targets: new Map<TargetName, TargetPort>([[target, { ...bound, ...change(bound) }]]) };
}

describe("work in normal operation", () => {
  test("a backlog that waited before the agent started is applied once, reported once and settled", async () => {
    await world.send(workOf(people(3_000, 10)));
    await start();
    await eventually("3,000 outcomes", () => world.outcomes().size === 3_000);
    expect(audit()).toHaveLength(3_000);
    expect([...world.outcomes().values()].every((outcomes) => outcomes.join() === "applied")).toBe(
      true,
    );
    await eventually(
      "every message settled",
      () => world.bus.stats()[`messages.${queue}`] !== 1 && agent.stats().lanesHeld === 0,
      5_000,
    );
    expect(agent.stats().itemsFinished).toBe(3_000);
    expect(await world.deadLetters(queue)).toEqual([]);
    // The items of thirty messages need few requests: the ledger is read and written once per unit.
    expect(world.results.length).toBeLessThanOrEqual(48);
  });

  test("a single change is applied, and a later one of the same entity updates it", async () => {
    await start();
    await world.send(workOf([{ id: "ann", version: 1, name: "Ann" }]));
    await eventually("the first", () => world.outcomes().has(idOf("ann", 1)));
    await world.send(workOf([{ id: "ann", version: 2, name: "Ann Ek" }]));
    await eventually("the second", () => world.outcomes().has(idOf("ann", 2)));
    await world.send(workOf([{ id: "ann", version: 3, name: null }]));
    await eventually("the third", () => world.outcomes().has(idOf("ann", 3)));
    expect(audit()).toEqual([
      { action: "insert", id: "ann", display_name: "Ann" },
      { action: "update", id: "ann", display_name: "Ann Ek" },
      { action: "delete", id: "ann", display_name: "Ann Ek" },
    ]);
  });

  test("a restored target heals when a message asks to compare, and only then", async () => {
    await start();
    const names = (): unknown[] =>
      world.database
        .prepare("SELECT id, display_name FROM people ORDER BY id")
        .all()
        .map((row) => ({ ...row }));
    await world.send(
      workOf([
        { id: "ann", version: 1, name: "Ann" },
        { id: "ben", version: 1, name: "Ben" },
        { id: "eve", version: 1, name: "Eve" },
      ]),
    );
    await eventually("the first", () => world.outcomes().size === 3);
    await world.send(workOf([{ id: "eve", version: 2, name: null }]));
    await eventually("the removal", () => world.outcomes().has(idOf("eve", 2)));
    const before = names();
    // Ann is changed, Ben is lost and Eve is back, as after a backup was restored; the inbox is of then, too.
    world.database.exec(`
      UPDATE people SET display_name = 'Old' WHERE id = 'ann';
      DELETE FROM people WHERE id = 'ben';
      INSERT INTO people (id, display_name) VALUES ('eve', 'Eve');
      DELETE FROM postern_inbox WHERE entity <> 'user:ann'`);
    const restored = names();
    const again = (version: number) =>
      workOf([
        { id: "ann", version, name: "Ann" },
        { id: "ben", version, name: "Ben" },
        { id: "eve", version, name: null },
      ]);
    await world.send(again(3));
    await eventually("the ledger's word", () => world.outcomes().has(idOf("eve", 3)));
    expect(names()).toEqual(restored);
    await world.send(again(4).map((message) => ({ ...message, verify: true })));
    await eventually("the target's word", () => world.outcomes().has(idOf("eve", 4)));
    await eventually("the others", () => world.outcomes().has(idOf("ann", 4)));
    await eventually("the others", () => world.outcomes().has(idOf("ben", 4)));
    expect(names()).toEqual(before);
    expect(["ann", "ben", "eve"].map((id) => world.outcomes().get(idOf(id, 4))?.join())).toEqual([
      "applied",
      "applied",
      "applied",
    ]);
  });

  test("the same entity several times in one backlog keeps its order", async () => {
    const [ann = "", ben = ""] = idsInLane(2);
    const versions = [1, 2, 3, 4, 5].map((version) =>
      workMessageOf(lane, [
        person({ id: ann, version, name: `Ann ${version}` }),
        person({ id: ben, version, name: `Ben ${version}` }),
      ]),
    );
    await world.send(versions);
    await start();
    await eventually("ten outcomes", () => world.outcomes().size === 10);
    const names = (id: string): (string | null)[] =>
      audit()
        .filter((row) => row.id === id)
        .map((row) => row.display_name);
    expect(names(ann)).toEqual(["Ann 1", "Ann 2", "Ann 3", "Ann 4", "Ann 5"]);
    expect(names(ben)).toEqual(["Ben 1", "Ben 2", "Ben 3", "Ben 4", "Ben 5"]);
  });

  test("the same entity twice in one message keeps its order", async () => {
    const [ann = ""] = idsInLane(1);
    await world.send([
      workMessageOf(lane, [
        person({ id: ann, version: 1, name: "first" }),
        person({ id: ann, version: 2, name: "second" }),
      ]),
    ]);
    await start();
    await eventually("both outcomes", () => world.outcomes().size === 2);
    expect(audit().map((row) => row.display_name)).toEqual(["first", "second"]);
  });

  test("a message delivered again under another id has no second effect and reports the recorded outcome", async () => {
    const [message] = workOf([{ id: "ann", version: 7, name: "Ann" }]);
    if (message === undefined) throw new Error("there is one message");
    await start();
    await world.send([message]);
    await eventually("the outcome", () => world.outcomes().has(idOf("ann", 7)));
    await world.send([
      { ...message, messageId: `${message.messageId}-again` as typeof message.messageId },
    ]);
    await eventually("a second report", () => world.outcomes().get(idOf("ann", 7))?.length === 2);
    expect(world.outcomes().get(idOf("ann", 7))).toEqual(["applied", "applied"]);
    expect(audit()).toHaveLength(1);
  });

  test("an older version that comes late is superseded, and an equal state is unchanged", async () => {
    await start();
    await world.send(workOf([{ id: "ann", version: 9, name: "Ann" }]));
    await eventually("version 9", () => world.outcomes().has(idOf("ann", 9)));
    await world.send(workOf([{ id: "ann", version: 8, name: "Old" }]));
    await world.send(workOf([{ id: "ann", version: 10, name: "Ann" }]));
    await eventually("both", () => world.outcomes().size === 3);
    expect(world.outcomes().get(idOf("ann", 8))).toEqual(["superseded"]);
    expect(world.outcomes().get(idOf("ann", 10))).toEqual(["unchanged"]);
    expect(audit()).toHaveLength(1);
  });
});

test("idle lanes are kept, as long as a slot is left to ask for the next lane", async () => {
  await start(
    {},
    "concurrency: { lanesPerTarget: 4 }\nlanes: { idleMs: 60000, heldMs: 60000, idleWhenBusyMs: 20 }",
  );
  const everyLane = Array.from(
    { length: 16 },
    (_, index) => `${definition}/${String(index).padStart(2, "0")}` as Lane,
  );
  for (const each of everyLane) {
    const [id] = idsInLane(1, each);
    await world.send(workOf([{ id: id ?? "", version: 1, name: "Ann" }]));
    await eventually(`the outcome of ${each}`, () => world.outcomes().has(idOf(id ?? "", 1)));
  }
  await eventually("two lanes that are kept", () => agent.stats().lanesHeld === 2);
});

describe("messages that cannot be read", () => {
  test("are dead-lettered with a code and a readable text, and their neighbours in the lane are applied", async () => {
    const ids = idsInLane(6);
    const good = ids.map((id, index) =>
      workMessageOf(lane, [person({ id, version: index + 1, name: "good" })], { part: `${index}` }),
    );
    const wire = good.map((message) => busMessage(message));
    const template = wire[0];
    if (template === undefined) throw new Error("there is one");
    const bad = (index: number, change: object): typeof template => ({
      ...template,
      messageId: `bad-${index}`,
      ...change,
    });
    const body = good[0];
    const hostile = [
      bad(0, { body: "not json at all" }),
      bad(1, { body: { ...body, items: [] } }),
      bad(2, { body: { ...body, group: "elsewhere" } }),
      bad(3, { body: { ...body, target: "other-db" } }),
      bad(4, { body: { ...body, lane: `${definition}/04` } }),
      bad(5, { applicationProperties: { "cloudEvents:type": "postern.sync.other.v1" } }),
      bad(6, { applicationProperties: {} }),
      bad(7, {
        body: { ...body, items: [{ ...body?.items[0], object: "people; DROP TABLE people" }] },
      }),
      bad(8, { body: { ...body, tenant: "99999999-2222-3333-4444-555555555555" } }),
      bad(9, {
        body: { ...body, items: [person({ id: "of-another-lane", version: 1, name: "x" })] },
      }),
    ];
    await world.sendRaw(
      wire.flatMap((message, index) =>
        [hostile[index * 2], message, hostile[index * 2 + 1]].filter((each) => each !== undefined),
      ),
      queue,
    );
    await start();
    await eventually("six good outcomes", () => world.outcomes().size === 6);
    expect(audit()).toHaveLength(6);
    const letters = await world.deadLetters(queue);
    const codes = new Map(letters.map((letter) => [letter.messageId, letter.deadLetterReason]));
    expect(Object.fromEntries(codes)).toEqual({
      "bad-0": "message-malformed",
      "bad-1": "message-malformed",
      "bad-2": "message-wrong-address",
      "bad-3": "message-wrong-address",
      "bad-4": "message-wrong-address",
      "bad-5": "message-type-unknown",
      "bad-6": "message-type-unknown",
      "bad-7": "message-malformed",
      "bad-8": "message-wrong-address",
      "bad-9": "message-wrong-address",
    });
    for (const { deadLetterErrorDescription: text } of letters) {
      expect(text?.length).toBeGreaterThan(40);
      expect(text?.length).toBeLessThanOrEqual(4_096);
    }
  });
});

describe("items that fail", () => {
  test("a permanently refused item is dead-lettered with its payload, and its neighbours are applied", async () => {
    const [ann = "", ben = ""] = idsInLane(2);
    const refused = person({ id: ann, version: 1, name: "Ann" });
    const nowhere = { ...refused, object: "no_such_table" };
    await world.send([
      workMessageOf(lane, [
        { ...nowhere, hash: contentHash(nowhere) },
        person({ id: ben, version: 1, name: "Ben" }),
      ]),
    ]);
    await start();
    await eventually("both outcomes", () => world.outcomes().size === 2);
    const items = world.results
      .flatMap((result) => result.results)
      .flatMap((result) => result.items);
    expect(items.find((item) => item.entity.id === ann)).toMatchObject({
      outcome: "dead-lettered",
      failure: "permanent",
      code: "target-object-missing",
      item: { object: "no_such_table", key: { id: ann } },
      attempts: [{ agent: "vm-1", failure: "permanent" }],
    });
    expect(items.find((item) => item.entity.id === ben)?.outcome).toBe("applied");
  });

  test("an item that may succeed later is settled, waits until a given time, and is dead-lettered after a day", async () => {
    const [ann = "", ben = ""] = idsInLane(2);
    await start(
      realTarget((real) => ({
        apply: async (items, options) =>
          Promise.all(
            items.map(async (each) =>
              each.item.key["id"] === ann
                ? {
                    outcome: "failed" as const,
                    failure: {
                      class: "dependency" as const,
                      code: "target-reference-missing" as const,
                      message: "the manager is not there yet",
                    },
                  }
                : ((await real.apply([each], options))[0] ?? { outcome: "applied" as const }),
            ),
          ),
      })),
    );
    await world.send([
      workMessageOf(lane, [
        person({ id: ann, version: 1, name: "Ann" }),
        person({ id: ben, version: 1, name: "Ben" }),
      ]),
    ]);
    await eventually("both outcomes", () => world.outcomes().size === 2);
    const waiting = world.results
      .flatMap((result) => result.results)
      .flatMap((result) => result.items)
      .find((item) => item.entity.id === ann);
    expect(waiting).toMatchObject({
      outcome: "waiting",
      failure: "dependency",
      item: { key: { id: ann } },
    });
    const delayMs = Date.parse(waiting?.retryAt ?? "") - Date.now();
    expect(delayMs).toBeGreaterThan(1_000);
    expect(delayMs).toBeLessThan(7_000);
    const yesterday = new Date(Date.now() - 25 * 3_600_000).toISOString();
    await world.send([
      workMessageOf(lane, [person({ id: ann, version: 1, name: "Ann" })], {
        attempt: 2,
        firstAttemptAt: yesterday,
      }),
    ]);
    await eventually("the end", () => world.outcomes().get(idOf(ann, 1))?.length === 2);
    expect(world.outcomes().get(idOf(ann, 1))).toEqual(["waiting", "dead-lettered"]);
    expect(audit().map((row) => row.id)).toEqual([ben]);
  });
});

describe("a target that goes away", () => {
  test("gives its lanes back without a delivery being counted, and work continues when it returns", async () => {
    let down = false;
    let calls = 0;
    const deliveries: number[] = [];
    await start({
      ...realTarget((real) => ({
        probe: async (options) =>
          down ? { reachable: false, reason: "switched off", durationMs: 1 } : real.probe(options),
        apply: async (items, options) => {
          calls += 1;
          if (!down) return real.apply(items, options);
          return items.map(() => ({
            outcome: "failed" as const,
            failure: {
              class: "target-down" as const,
              code: "target-unreachable" as const,
              message: "switched off",
            },
          }));
        },
      })),
    });
    await world.send(workOf(people(200, 1)));
    await eventually("the first 200", () => world.outcomes().size === 200);
    down = true;
    await world.send(workOf(people(200, 2)));
    await eventually(
      "the target is shown as down",
      () => world.heartbeats.at(-1)?.targets[0]?.reason === "switched off",
    );
    await eventually("every lane given back", () => agent.stats().lanesHeld === 0);
    const callsWhenOpen = calls;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(calls).toBe(callsWhenOpen);
    const receiver = world.client.createReceiver(queue);
    for (const message of await receiver.peekMessages(100))
      deliveries.push(message.deliveryCount ?? 0);
    await receiver.close();
    expect(deliveries.length).toBeGreaterThan(0);
    expect(deliveries.every((count) => count === 0)).toBe(true);
    down = false;
    await eventually("all 400", () => world.outcomes().size === 400);
    await eventually(
      "the target is shown as up",
      () => world.heartbeats.at(-1)?.targets[0]?.state === "reachable",
    );
    expect([...world.outcomes().values()].every((outcomes) => outcomes.join() === "applied")).toBe(
      true,
    );
    expect(audit()).toHaveLength(400);
  });

  test("a target whose probe fails at start leaves its queue untouched", async () => {
    await world.send(workOf(people(10, 1)));
    await start(
      realTarget(() => ({
        probe: async () => ({ reachable: false, reason: "refused", durationMs: 1 }),
      })),
    );
    await eventually(
      "a heartbeat with the reason",
      () => world.heartbeats.at(-1)?.targets[0]?.reason === "refused",
    );
    expect(world.heartbeats.at(-1)?.targets[0]).toMatchObject({
      state: "unreachable",
      name: target,
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(agent.stats()).toMatchObject({ lanesHeld: 0, itemsFinished: 0 });
  });
});

describe("an agent that runs", () => {
  test("registers by its first heartbeat and sends a bearer token with it", async () => {
    await start();
    await eventually("two heartbeats", () => world.heartbeats.length >= 2);
    expect(world.heartbeats[0]).toMatchObject({
      group,
      branch: "oslo",
      state: "running",
      version: "0.1.0",
      capabilities: expect.arrayContaining(["postern.sync.apply.v1"]),
    });
    expect(world.calls[0]).toMatchObject({
      path: "/api/agents/vm-1/heartbeat",
      authorization: "Bearer local-token",
    });
    await eventually(
      "a probed target",
      () => world.heartbeats.at(-1)?.targets[0]?.state === "reachable",
    );
  });
});
