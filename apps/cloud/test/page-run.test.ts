import { afterEach, expect, test } from "@jest/globals";
import { SyncDefinition } from "@postern/contracts";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { ServiceUnavailable } from "@postern/runtime";
import { SourceError } from "../src/ports/source";
import {
  definition,
  definitionId,
  id,
  lettersOf,
  onlyUsers,
  people,
  startWorld,
  type World,
} from "./world";

const user = id;
const aGroup = id(1_000_000);
let world: World;
afterEach(() => world.close());

test("a resync completes after memberships are removed from the mapping", async () => {
  world = await startWorld({
    users: [
      { id: user(1), displayName: "One" },
      { id: user(2), displayName: "Two" },
    ],
    groups: [{ id: aGroup, displayName: "G", members: [{ id: user(1) }, { id: user(2) }] }],
  });
  await applyDefinition(world.ports, definition, {});
  await world.pump();
  const work = await world.takeWork();
  await world.report(work);
  expect(world.present().filter((key) => key.startsWith("membership"))).toHaveLength(2);

  const { memberships: _gone, ...rest } = definition;
  await applyDefinition(world.ports, SyncDefinition.parse(rest), {});
  let commits = 0;
  const { progress } = world.ports;
  world.override({
    progress: {
      ...progress,
      transact: async (id, operations) => {
        if (operations.some((one) => one.kind === "create" && one.document.type === "page")) {
          commits += 1;
          if (commits > 40)
            throw new Error("40 pages were committed and the stream has not come to its end");
        }
        return progress.transact(id, operations);
      },
    },
  });
  await world.pump();
  const checkpoint = await progress.checkpoint(definitionId, "groups");
  expect(checkpoint?.value.phase).toBe("settled");
});

test("a run ends even if the source calls every enumeration expired", async () => {
  world = await startWorld({ users: [{ id: user(1), displayName: "One" }], groups: [] });
  let asked = 0;
  const { graph } = world.ports;
  world.override({
    graph: {
      ...graph,
      page: () => {
        asked += 1;
        if (asked > 50) return Promise.reject(new Error("asked 50 times in one run"));
        return Promise.reject(new SourceError("expired", "Microsoft Graph answered 410"));
      },
    },
  });
  await applyDefinition(world.ports, SyncDefinition.parse(onlyUsers), {});
  await world.pump();
  expect(asked).toBeLessThan(10);
});

test("large entities are indexed", async () => {
  const plans = (n: number) =>
    Array.from({ length: 150 }, (_, k) => ({
      assignedDateTime: "2023-01-01T00:00:00Z",
      capabilityStatus: "Enabled",
      service: `MicrosoftCommunicationsOnline`,
      servicePlanId: `00000000-0000-4000-8000-${String(n * 1000 + k).padStart(12, "0")}`,
    }));
  const many = Array.from({ length: 1600 }, (_, n) => ({
    id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
    displayName: `Person ${n}`,
  }));
  world = await startWorld({ users: many, groups: [] });
  const { graph } = world.ports;
  world.override({
    graph: {
      ...graph,
      page: async (stream, select, link) => {
        const page = await graph.page(
          stream,
          select.filter((name) => name !== "assignedPlans"),
          link,
        );
        return {
          ...page,
          changes: page.changes.map((change, n) => ({
            ...change,
            properties: { ...change.properties, assignedPlans: plans(n) },
          })),
        };
      },
    },
  });
  await applyDefinition(
    world.ports,
    SyncDefinition.parse({
      ...onlyUsers,
      users: {
        object: "people",
        key: { id: "id" },
        scope: `assignedPlans.exists(p, p.service == "MicrosoftCommunicationsOnline" && p.capabilityStatus == "Enabled")`,
        columns: { name: "displayName" },
      },
    }),
    {},
  );
  await world.pump();
  const checkpoint = await world.ports.progress.checkpoint(definitionId, "users");
  expect(checkpoint?.value.phase).toBe("settled");
});

test("a page that repeatedly cannot be sent makes one dead letter of an entity", async () => {
  world = await startWorld({ users: people(4), groups: [] });
  const { bus } = world.ports;
  let full = true;
  world.override({
    bus: {
      send: (queue, messages) =>
        full && queue === "sync-main-db"
          ? Promise.reject(new ServiceUnavailable("service-bus", "queue 'sync-main-db' is full"))
          : bus.send(
              queue,
              messages.map(({ scheduledAt: _now, ...rest }) => rest),
            ),
    },
  });
  await applyDefinition(
    world.ports,
    SyncDefinition.parse({
      ...onlyUsers,
      users: {
        object: "people",
        key: { id: `displayName == "P1" ? null : id` },
        columns: { name: "displayName" },
      },
    }),
    {},
  );
  const stop = setTimeout(() => (full = false), 1_000);
  await world.pump();
  clearTimeout(stop);
  expect((await lettersOf(world)).map(({ entity }) => entity)).toEqual([`user:${id(1)}`]);
});
