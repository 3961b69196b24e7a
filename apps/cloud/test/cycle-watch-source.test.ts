import { afterEach, expect, test } from "@jest/globals";
import { type JobId, SyncDefinition } from "@postern/contracts";
import { watchCycles } from "../src/sync/watch/cycle-watch";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { listCycles } from "../src/cycles/cycle-views";
import { startOnDemand } from "../src/sync/pages/on-demand";
import { SourceError } from "../src/ports/source";
import { viewSync } from "../src/sync/definitions/view-sync";
import { definitionId, id, onlyUsers, startWorld, type World } from "./world";

let world: World;
afterEach(() => world.close());

test("a stream whose source refuses every read says so", async () => {
  world = await startWorld({ users: [{ id: id(1), displayName: "One" }], groups: [] });
  let offset = 0;
  const { graph } = world.ports;
  let asked = 0;
  world.override({
    clock: { now: () => Date.now() + offset },
    graph: {
      ...graph,
      page: () => {
        asked += 1;
        return Promise.reject(
          new SourceError("refused", "Microsoft Graph answered 403 Authorization_RequestDenied"),
        );
      },
    },
  });
  await applyDefinition(world.ports, SyncDefinition.parse(onlyUsers), {});
  await world.pump();
  for (let minute = 0; minute < 40; minute += 1) {
    // The rest of 60 s is over: the message that was scheduled for then comes (a tick stands for it here).
    offset += 61_000;
    await world.tickAndPump();
    offset += 1_000;
    await watchCycles(world.ports);
  }
  expect(asked).toBeGreaterThan(40);
  const [cycle] = (await listCycles(world.ports, definitionId, { limit: 1 })).items;
  expect(cycle).toMatchObject({ state: "stalled" });
});

test("an on-demand read that fails does not stay open forever", async () => {
  world = await startWorld({ users: [{ id: id(1), displayName: "One" }], groups: [] });
  await applyDefinition(world.ports, SyncDefinition.parse(onlyUsers), {});
  await world.pump();
  await world.report(await world.takeWork());
  await startOnDemand(world.ports, {
    jobId: "jtest1" as JobId,
    definition: definitionId,
    entities: [{ type: "user", id: "x" }],
  });
  const { graph } = world.ports;
  world.override({
    graph: {
      ...graph,
      object: () => Promise.reject(new SourceError("refused", "Microsoft Graph answered 400")),
    },
  });
  // Delivered until the broker gives it up and the drain stores it.
  await expect(world.pump()).rejects.toThrow("400");
  // The longest timeout of a job is a day: two days later it is long over.
  for (const hours of [1, 25, 48]) {
    await watchCycles({ ...world.ports, clock: { now: () => Date.now() + hours * 3_600_000 } });
  }
  const record = await world.ports.definitions.get(definitionId, { fresh: true });
  if (record === undefined) throw new Error("there is one");
  const cycles = (await listCycles(world.ports, definitionId, { limit: 5 })).items.map(
    ({ kind, state }) => `${kind} ${state}`,
  );
  expect([cycles, (await viewSync(world.ports, record)).inStep]).toEqual([
    ["on-demand completed", "initial completed"],
    true,
  ]);
});
