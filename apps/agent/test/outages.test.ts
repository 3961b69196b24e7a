import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { itemIdOf, type TargetName, type Version, workQueueName } from "@postern/contracts";
import { type AgentPorts, loadSettings, type TargetPort } from "../src";
import { definition, group, target, workOf } from "./work";
import { eventually, startWorld, threadProgram, type World } from "./world";

let world: World;
beforeEach(async () => {
  world = await startWorld({ lockDurationMs: 1_000 });
});
afterEach(() => world.close());

const people = (count: number, version: number): { id: string; version: number; name: string }[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `u${index}`,
    version,
    name: `Person ${index} at ${version}`,
  }));
const audit = (): { id: string; display_name: string }[] =>
  world.database
    .prepare("SELECT id, display_name FROM audit ORDER BY sequence")
    .all() as unknown as { id: string; display_name: string }[];
const allApplied = (): boolean =>
  [...world.outcomes().values()].every((outcomes) => outcomes[0] === "applied");

function targets(change: (real: TargetPort) => Partial<TargetPort>): Partial<AgentPorts> {
  const { settings } = loadSettings({
    env: {},
    fileText: world.settingsText(),
    readSecretFile: () => "",
  });
  const real = settings.targets[0]?.open(threadProgram);
  if (real === undefined) throw new Error("the settings have a target");
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

test("a lane whose lock expires while the process is frozen is lost: the late agent records and settles nothing of it", async () => {
  const aborted: boolean[] = [];
  let stalled = false;
  const slow = targets((real) => ({
    apply: async (items, options) => {
      if (!stalled) {
        stalled = true;
        // The whole process is frozen for longer than the lock, as after SIGSTOP or a long garbage collection.
        const end = performance.now() + 1_600;
        while (performance.now() < end);
        await new Promise((resolve) => setImmediate(resolve));
        aborted.push(options.signal.aborted);
      }
      return real.apply(items, options);
    },
  }));
  await world.send(workOf([{ id: "ann", version: 1, name: "Ann" }]));
  (await world.agent({ ports: slow, settings: "concurrency: { lanesPerTarget: 1 }" })).start();
  await eventually("the outcome", () => world.outcomes().size === 1);
  expect(stalled).toBe(true);
  expect(audit()).toHaveLength(1);
  expect(
    world.outcomes().get(itemIdOf(definition, { type: "user", id: "ann" }, 1 as Version)),
  ).toEqual(["applied"]);
});

test("a unit that takes longer than the lock keeps its lane, because the lock is renewed", async () => {
  const slow = targets((real) => ({
    apply: async (items, options) => {
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect(options.signal.aborted).toBe(false);
      return real.apply(items, options);
    },
  }));
  await world.send(workOf([{ id: "ann", version: 1, name: "Ann" }]));
  const agent = await world.agent({ ports: slow });
  agent.start();
  await eventually("the outcome", () => world.outcomes().size === 1);
  await eventually("the settlement", () => agent.stats().lanesHeld === 0);
  expect(world.results).toHaveLength(1);
});

for (const kind of ["cut", "lose-reply", "throttle"] as const) {
  test(`settlements, deliveries, attaches and sends that meet '${kind}' cost no item and no second effect`, async () => {
    for (const operation of ["settle", "deliver", "attach", "send"]) {
      world.bus.faults.add({
        kind,
        operation,
        after: 3,
        times: 4,
        resource: operation === "send" ? `results-${group}` : workQueueName(group, target),
      });
    }
    await world.send(workOf(people(1_000, 1)));
    (await world.agent()).start();
    await eventually("every outcome", () => world.outcomes().size === 1_000, 25_000);
    expect(audit()).toHaveLength(1_000);
    expect(allApplied()).toBe(true);
  });

  test(`ledger requests that meet '${kind}' cost no item and no second effect`, async () => {
    world.cosmos.faults.add({
      kind,
      after: 2,
      times: 6,
      resource: `ledger-${group}`,
      retryAfterMs: 50,
    });
    await world.send(workOf(people(1_000, 1)));
    (await world.agent()).start();
    await eventually("every outcome", () => world.outcomes().size === 1_000, 25_000);
    expect(audit()).toHaveLength(1_000);
    expect(allApplied()).toBe(true);
  });
}

test("two agents share a backlog, and no entity is applied twice", async () => {
  await world.send(workOf(people(4_000, 1)));
  const first = await world.agent({ settings: "lanes: { items: 100 }" });
  const second = await world.agent({ settings: "lanes: { items: 100 }" });
  first.start();
  second.start();
  await eventually("every outcome", () => world.outcomes().size === 4_000, 60_000);
  expect(audit()).toHaveLength(4_000);
  expect(first.stats().itemsFinished).toBeGreaterThan(400);
  expect(second.stats().itemsFinished).toBeGreaterThan(400);
}, 90_000);

test("an idle agent takes new work within fifteen seconds of the return of its broker", async () => {
  const port = world.bus.port;
  const agent = await world.agent({ settings: "probe: { idleMs: 60000 }" });
  agent.start();
  await world.send(workOf(people(10, 1)));
  await eventually("the first outcomes", () => world.outcomes().size === 10);
  await eventually("an idle agent", () => agent.stats().lanesHeld === 0);
  await world.restartBus(port);
  await world.send(workOf(people(10, 2)));
  await eventually("outcomes after the return", () => world.outcomes().size === 20);
});
