import { afterEach, expect, test } from "@jest/globals";
import { containers, SyncDefinition } from "@postern/contracts";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { listCycles } from "../src/cycles/cycle-views";
import { listHolds, releaseHolds } from "../src/sync/holds/held-items";
import type { Platform } from "../src/app/platform";
import { definitionId, id, onlyUsers, people, startWorld, type World } from "./world";

let world: World;
afterEach(() => world.close());

test("a hold of a column with a long name can be listed and released", async () => {
  world = await startWorld({ users: people(10), groups: [] });
  const column = "extension_account_is_enabled_".padEnd(100, "x");
  const long = SyncDefinition.parse({
    ...onlyUsers,
    users: { object: "people", key: { id: "id" }, columns: { [column]: "accountEnabled" } },
    deletes: { windowHours: 24, minimum: 0, maximum: 0, percent: 0 },
  });
  await applyDefinition(world.ports, long, {});
  await world.pump();
  await world.report(await world.takeWork());
  await world.call("PATCH", `/users/${id(1)}`, { accountEnabled: false });
  await world.call("DELETE", `/users/${id(2)}`);
  await world.tickAndPump();
  expect((await listHolds(world.ports, definitionId, { limit: 10 })).items).toHaveLength(2);
  expect(await releaseHolds(world.ports, definitionId, {})).toBe(2);
});

test("a release does not bring back a cycle whose history has expired", async () => {
  world = await startWorld({ users: people(10), groups: [] });
  await applyDefinition(
    world.ports,
    SyncDefinition.parse({
      ...onlyUsers,
      deletes: { windowHours: 24, minimum: 0, maximum: 0, percent: 0 },
    }),
    {},
  );
  await world.pump();
  await world.report(await world.takeWork());
  await world.call("DELETE", `/users/${id(2)}`);
  await world.call("PATCH", `/users/${id(3)}`, { displayName: "New" });
  await world.tickAndPump();
  await world.report(await world.takeWork());
  // 29 days later a person releases it: what is written now lives on.
  const container = (world.ports as Platform).database.container(containers.progress);
  interface Kept {
    id: string;
    type: string;
    ttl?: number;
    _etag: string;
  }
  const all = async (): Promise<Kept[]> =>
    (
      await container.items
        .query<Kept>("SELECT * FROM c", { partitionKey: definitionId })
        .fetchAll()
    ).resources;
  const old = new Map((await all()).map((one) => [one.id, one._etag]));
  const DAY = 86_400;
  world.override({ clock: { now: () => Date.now() + 29 * DAY * 1_000 } });
  expect(await releaseHolds(world.ports, definitionId, {})).toBe(1);
  await world.report(await world.takeWork());
  // Day 31: time to live counts from the last write.
  for (const { id: one, ttl, _etag } of await all()) {
    const writtenOnDay = old.get(one) === _etag ? 0 : 29;
    if (ttl !== undefined && writtenOnDay * DAY + ttl < 31 * DAY)
      await container.item(one, definitionId).delete();
  }
  const cycle = (await listCycles(world.ports, definitionId, { limit: 10 })).items.find(
    ({ kind }) => kind === "incremental",
  );
  expect(cycle).toMatchObject({ state: "completed", pending: 0 });
});
