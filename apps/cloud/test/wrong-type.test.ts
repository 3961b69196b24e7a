import { afterEach, expect, test } from "@jest/globals";
import { type JobId, SyncDefinition } from "@postern/contracts";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { startOnDemand } from "../src/sync/pages/on-demand";
import { definition, definitionId, id, startWorld, type World } from "./world";

/** Jobs that name an entity under another type than it has: nothing may be lost of it. */
let world: World;
afterEach(() => world.close());

test("a user asked for as a group does not lose its memberships", async () => {
  world = await startWorld({
    users: [
      { id: id(1), displayName: "Ada" },
      { id: id(2), displayName: "Ben" },
    ],
    groups: [{ id: id(101), displayName: "Staff", members: [{ id: id(1) }, { id: id(2) }] }],
  });
  const { users: _users, ...rest } = definition;
  await applyDefinition(
    world.ports,
    SyncDefinition.parse({
      ...rest,
      deletes: { windowHours: 24, minimum: 0, maximum: 0, percent: 0 },
    }),
    {},
  );
  await world.pump();
  await world.report(await world.takeWork());
  const before = world.present();
  expect(before).toHaveLength(3);
  await startOnDemand(world.ports, {
    jobId: "jtest1" as JobId,
    definition: definitionId,
    entities: [{ type: "group", id: id(1) }],
  });
  await world.pump();
  await world.report(await world.takeWork());
  for (let n = 0; n < 3; n += 1) {
    await world.tickAndPump();
    await world.report(await world.takeWork()).catch(() => undefined);
  }
  expect(world.present()).toEqual(before);
});

test("a group asked for as a user does not lose its place in other groups", async () => {
  world = await startWorld({
    users: [{ id: id(1), displayName: "Ada" }],
    groups: [
      { id: id(101), displayName: "Staff", members: [{ id: id(102) }] },
      { id: id(102), displayName: "Team", members: [{ id: id(1) }] },
    ],
  });
  const guarded = SyncDefinition.parse({
    ...definition,
    deletes: { windowHours: 24, minimum: 0, maximum: 0, percent: 0 },
  });
  await applyDefinition(world.ports, guarded, {});
  await world.pump();
  await world.report(await world.takeWork());
  const before = world.present();
  expect(before).toHaveLength(5);
  await startOnDemand(world.ports, {
    jobId: "jtest2" as JobId,
    definition: definitionId,
    entities: [{ type: "user", id: id(102) }],
  });
  await world.pump();
  await world.report(await world.takeWork()).catch(() => undefined);
  await world.tickAndPump();
  await world.takeWork();
  expect(world.present()).toEqual(before);
});
