import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type CycleView, SyncDefinition } from "@postern/contracts";
import { watchCycles } from "../src/sync/watch/cycle-watch";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { listCycles, viewCycle } from "../src/cycles/cycle-views";
import { listHolds, releaseHolds } from "../src/sync/holds/held-items";
import { ServiceUnavailable } from "@postern/runtime";
import { definition, definitionId, startWorld, type World } from "./world";

const [ada, staff] = [
  "00000000-0000-4000-8000-000000000001",
  "00000000-0000-4000-8000-000000000101",
];
const seed = {
  users: [{ id: ada, displayName: "Ada", accountEnabled: true }],
  groups: [{ id: staff, displayName: "Staff", members: [{ id: ada }] }],
};
const guarded = SyncDefinition.parse({
  ...definition,
  deletes: { windowHours: 24, minimum: 0, maximum: 0, percent: 0 },
});

let world: World;
beforeEach(async () => {
  world = await startWorld(seed);
  await applyDefinition(world.ports, guarded, {});
  await world.pump();
  await world.report(await world.takeWork());
  await world.call("DELETE", `/users/${ada}`);
  await world.tickAndPump();
});
afterEach(() => world.close());

async function cycles(): Promise<CycleView[]> {
  return (await listCycles(world.ports, definitionId, { limit: 10 })).items;
}

async function followUps(): Promise<CycleView[]> {
  return (await cycles()).filter(({ kind }) => kind === "on-demand");
}

async function userHold(): Promise<string[]> {
  const { items } = await listHolds(world.ports, definitionId, { limit: 10 });
  return items.flatMap(({ id, item }) => (item.entity.type === "user" ? [id] : []));
}

test("a follow-up has its own cycle, which is restarted when its message is lost", async () => {
  const before = await cycles();
  const holds = await userHold();
  expect(await releaseHolds(world.ports, definitionId, { holds })).toBe(1);
  const [followUp, ...others] = await followUps();
  expect(others).toEqual([]);
  expect(followUp).toMatchObject({ state: "running", streams: { users: "running" } });
  // As if it had expired in its queue.
  await world.takeStarts();
  await world.report(await world.takeWork());
  for (const { id, streams } of before) {
    const now = await viewCycle(world.ports, definitionId, id);
    expect(now).toMatchObject({ state: "completed", streams, stall: null });
  }
  expect(world.present()).toContain(`membership:${staff}:${ada}`);

  const clock = { now: () => Date.now() + 180_000 };
  expect(await watchCycles({ ...world.ports, clock })).toBe(1);
  expect(await followUps()).toMatchObject([{ state: "stalled", stall: { reason: "start-lost" } }]);
  await world.pump();
  const { items } = await listHolds(world.ports, definitionId, { limit: 10 });
  await releaseHolds(world.ports, definitionId, { holds: items.map(({ id }) => id) });
  await world.report(await world.takeWork());
  expect(world.present()).toEqual([`group:${staff}`]);
  await watchCycles(world.ports);
  expect(await followUps()).toMatchObject([{ state: "completed", stall: null }]);
});

test("a repeated release requests the same follow-up again, which is read once", async () => {
  const holds = await userHold();
  const { holds: store } = world.ports;
  const remove = () => Promise.reject(new ServiceUnavailable("cosmos", "gone for a moment"));
  world.override({ holds: { ...store, remove } });
  await expect(releaseHolds(world.ports, definitionId, { holds })).rejects.toThrow("for a moment");
  world.override({ holds: store });
  expect(await releaseHolds(world.ports, definitionId, { holds })).toBe(1);
  expect(await followUps()).toHaveLength(1);
  await world.pump();
  const [read] = await followUps();
  expect(read).toMatchObject({ streams: { users: "done" } });
  // The message once more, which the broker has forgotten by now.
  const clock = { now: () => Date.now() + 180_000 };
  await world.ports.progress.transact(definitionId, [
    { kind: "patch", id: `cycle:${read?.id}`, set: { "/streams/users": "running" } },
  ]);
  await watchCycles({ ...world.ports, clock });
  await world.ports.progress.transact(definitionId, [
    { kind: "patch", id: `cycle:${read?.id}`, set: { "/streams/users": "done" } },
  ]);
  await world.pump();
  expect((await followUps())[0]?.read).toBe(read?.read);
});
