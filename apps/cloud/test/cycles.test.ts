import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type Container, CosmosClient } from "@azure/cosmos";
import { containers, CycleId, databaseName, SyncDefinition } from "@postern/contracts";
import { setTimeout as delay } from "node:timers/promises";
import { newCycle } from "../src/cycles/cycle-document";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { listCycles, viewCycle } from "../src/cycles/cycle-views";
import { listHolds, releaseHolds } from "../src/sync/holds/held-items";
import { startOnDemand } from "../src/sync/pages/on-demand";
import { startCycle } from "../src/sync/streams/start-cycle";
import { viewSync } from "../src/sync/definitions/view-sync";
import { consumeResults } from "../src/results/results";
import type { JobProgress } from "../src/ports/stores";
import { definition, definitionId, group, resultOf, startWorld, type World } from "./world";

const id = (number: number): string =>
  `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const [ada, ben, cyd, staff, team] = [id(1), id(2), id(3), id(101), id(102)];

const seed = {
  users: [
    { id: ada, displayName: "Ada", mail: "ada@x.example", accountEnabled: true },
    { id: ben, displayName: "Ben", accountEnabled: true, manager: { id: ada } },
    { id: cyd, displayName: "Cyd", mail: null, accountEnabled: false },
  ],
  groups: [
    { id: staff, displayName: "Staff", members: [{ id: ada }, { id: ben }] },
    { id: team, displayName: "Team", members: [{ id: ben }, { id: staff }] },
  ],
};

const everything = [
  `group:${staff}`,
  `group:${team}`,
  `membership:${staff}:${ada}`,
  `membership:${staff}:${ben}`,
  `membership:${team}:${ben}`,
  `membership:${team}:${staff}`,
  `user:${ada}`,
  `user:${ben}`,
  `user:${cyd}`,
];

let world: World;
beforeEach(async () => {
  world = await startWorld(seed);
});
afterEach(() => world.close());

async function initialCycle(): Promise<void> {
  await applyDefinition(world.ports, definition, {});
  await world.pump();
  await world.report(await world.takeWork());
}

async function sync() {
  const record = await world.ports.definitions.get(definitionId, { fresh: true });
  if (record === undefined) throw new Error("the definition is applied");
  return viewSync(world.ports, record);
}

async function latestCycle() {
  const { items } = await listCycles(world.ports, definitionId, { limit: 5 });
  return items[0];
}

/** Changes, ticks, and answers what this did to the target. */
async function changesAfter(change: () => Promise<unknown>): Promise<string[]> {
  await change();
  await world.tickAndPump();
  const messages = await world.takeWork();
  await world.report(messages);
  return messages
    .flatMap(({ items }) => items)
    .map(({ entity, desired }) => `${desired} ${entity.type} ${entity.id}`)
    .sort();
}

describe("the initial cycle", () => {
  test("sends everything once, counts it, and completes with its results", async () => {
    await applyDefinition(world.ports, definition, {});
    expect(await latestCycle()).toMatchObject({ kind: "initial", state: "running" });
    await world.pump();
    const messages = await world.takeWork();
    expect(world.present()).toEqual(everything);
    const user = world.target.get(`user:${ben}`);
    expect(user).toMatchObject({
      object: "people",
      key: { id: ben },
      values: { name: "Ben", mail: null, manager_id: ada, enabled: true },
    });
    expect(await latestCycle()).toMatchObject({
      state: "running",
      read: 9,
      enqueued: 9,
      pending: 9,
      streams: { users: "done", groups: "done" },
    });
    expect((await sync()).inStep).toBe(false);

    await world.report(messages);
    expect(await latestCycle()).toMatchObject({ state: "completed", applied: 9, pending: 0 });
    expect((await sync()).inStep).toBe(true);
  });

  test("a tick with nothing new asks Graph once a stream and writes nothing", async () => {
    await initialCycle();
    await world.tickAndPump();
    const requests = world.graph.stats()["requests"] ?? 0;
    const cosmos = world.cosmos.stats()["requests"] ?? 0;
    await world.tickAndPump();
    expect((world.graph.stats()["requests"] ?? 0) - requests).toBe(2);
    expect((world.cosmos.stats()["requests"] ?? 0) - cosmos).toBe(0);
    expect(await world.takeWork()).toEqual([]);
  });

  test("applying the same definition again starts nothing", async () => {
    await initialCycle();
    expect(await applyDefinition(world.ports, definition, {})).toMatchObject({
      outcome: "unchanged",
    });
    await world.pump();
    expect(await world.takeWork()).toEqual([]);
  });
});

describe("an incremental cycle", () => {
  beforeEach(initialCycle);

  test("rename, disable, a new manager: one item, whole", async () => {
    const changed = await changesAfter(async () => {
      await world.call("PATCH", `/users/${ben}`, { displayName: "Benno", accountEnabled: false });
      await world.call("PUT", `/users/${ben}/manager/$ref`, {
        "@odata.id": `${world.graph.graph}/v1.0/users/${cyd}`,
      });
    });
    expect(changed).toEqual([`present user ${ben}`]);
    expect(world.target.get(`user:${ben}`)?.values).toEqual({
      name: "Benno",
      mail: null,
      manager_id: cyd,
      enabled: false,
    });
    expect(await latestCycle()).toMatchObject({ kind: "incremental", state: "completed" });
  });

  test("a manager who is taken away is NULL", async () => {
    await changesAfter(() => world.call("DELETE", `/users/${ben}/manager/$ref`));
    expect(world.target.get(`user:${ben}`)?.values).toMatchObject({ manager_id: null });
  });

  test("a deleted user goes with all memberships; restored, they come back", async () => {
    await changesAfter(() => world.call("DELETE", `/users/${ben}`));
    expect(world.present()).toEqual(everything.filter((key) => !key.includes(ben)));
    await changesAfter(() => world.call("POST", `/directory/deletedItems/${ben}/restore`));
    expect(world.present()).toContain(`user:${ben}`);
  });

  test("a deleted group goes with its memberships, its members stay", async () => {
    await changesAfter(() => world.call("DELETE", `/groups/${staff}`));
    expect(world.present()).toEqual(everything.filter((key) => !key.includes(staff)));
  });

  test("memberships come and go one by one", async () => {
    const removed = await changesAfter(() =>
      world.call("DELETE", `/groups/${staff}/members/${ada}/$ref`),
    );
    expect(removed).toContain(`absent membership ${staff}/${ada}`);
    const added = await changesAfter(() =>
      world.call("POST", `/groups/${staff}/members/$ref`, {
        "@odata.id": `${world.graph.graph}/v1.0/directoryObjects/${cyd}`,
      }),
    );
    expect(added).toContain(`present membership ${staff}/${cyd}`);
  });

  test("someone never sent is never deleted", async () => {
    await world.call("POST", "/users", {
      displayName: "Dan",
      accountEnabled: true,
      mailNickname: "dan",
      userPrincipalName: "dan@x.example",
      passwordProfile: { password: "not-a-real-one-1" },
    });
    const { value } = (await world.call("GET", "/users?$filter=displayName eq 'Dan'")) as {
      value: { id: string }[];
    };
    const changed = await changesAfter(() => world.call("DELETE", `/users/${value[0]?.id}`));
    expect(changed).toEqual([]);
  });

  test("a requested cycle ends also when there is nothing to do", async () => {
    const started = await startCycle(world.ports, definitionId);
    await delay(5);
    await world.pump();
    const view = await viewCycle(world.ports, definitionId, started?.cycleId ?? ("" as never));
    expect(view).toMatchObject({ state: "completed", enqueued: 0 });
  });
});

describe("when a run is cut short", () => {
  test("a page whose items were sent but not committed is sent again under a higher version", async () => {
    await initialCycle();
    await world.call("PATCH", `/users/${ada}`, { displayName: "Ada L" });
    const { progress } = world.ports;
    let refusals = 1;
    world.override({
      progress: {
        ...progress,
        transact: async (of, operations) => {
          const isCommit = operations.some(
            (operation) => operation.kind === "create" && operation.document.type === "page",
          );
          if (isCommit && refusals > 0) {
            refusals -= 1;
            // Someone else has moved the checkpoint meanwhile.
            await progress.transact(of, [
              { kind: "patch", id: "checkpoint:users", set: { "/owner": null } },
            ]);
          }
          return progress.transact(of, operations);
        },
      },
    });
    await world.tickAndPump();
    const messages = await world.takeWork();
    const items = messages.flatMap((message) => message.items);
    expect(items).toHaveLength(2);
    const [first, second] = items.map(({ version }) => version).toSorted((a, b) => a - b);
    expect(second).toBeGreaterThan(first ?? 0);
    await world.report(messages);
    // Only the committed one counts.
    expect(await latestCycle()).toMatchObject({ state: "completed", enqueued: 1, applied: 1 });
  });

  test("a claim of a live instance is respected, and its work waits for the lease to end", async () => {
    await applyDefinition(world.ports, definition, {});
    const leaseUntil = new Date(Date.now() + 2_000).toISOString();
    await world.ports.progress.transact(definitionId, [
      {
        kind: "patch",
        id: "checkpoint:users",
        set: { "/owner": "other", "/leaseUntil": leaseUntil },
      },
    ]);
    await world.pump();
    await world.takeWork();
    expect(world.present()).not.toContain(`user:${ada}`);
    await delay(2_100);
    await world.pump();
    await world.takeWork();
    expect(world.present()).toEqual(everything);
  });

  test("throttled by Graph it rests as long as asked, without sleeping", async () => {
    await applyDefinition(world.ports, definition, {});
    // Far longer than what a busy machine takes for the run.
    const retryAfterMs = 10_000;
    world.graph.faults.add({ operation: "users.delta", kind: "throttle", times: 1, retryAfterMs });
    const before = Date.now();
    await world.pump();
    const checkpoint = await world.ports.progress.checkpoint(definitionId, "users");
    const restsUntil = Date.parse(checkpoint?.value.leaseUntil ?? "");
    expect(restsUntil).toBeGreaterThanOrEqual(before + retryAfterMs);
    expect(Date.now()).toBeLessThan(restsUntil);
    await world.takeWork();
    expect(world.present()).not.toEqual(everything);
    while (world.present().length < everything.length) {
      await delay(Math.max(200, restsUntil - Date.now()));
      await world.pump();
      await world.takeWork();
    }
    expect(world.present()).toEqual(everything);
    expect(Date.now()).toBeGreaterThanOrEqual(restsUntil);
  });
});

describe("an expired delta token", () => {
  test("starts a resync that compares: what is gone is deleted, what is there is not touched twice", async () => {
    await initialCycle();
    await world.call("DELETE", `/users/${cyd}`);
    world.graph.expireTokens();
    await world.tickAndPump();
    const messages = await world.takeWork();
    // The deletions that follow from a changed mapping or an expired token are no time to trust the ledger.
    expect(new Set(messages.map(({ verify }) => verify))).toEqual(new Set([true]));
    await world.report(messages, "unchanged");
    expect(world.present()).toEqual(everything.filter((key) => key !== `user:${cyd}`));
    const { items } = await listCycles(world.ports, definitionId, { limit: 5 });
    const kinds = items.map(({ kind, state }) => `${kind} ${state}`);
    expect(kinds).toEqual(expect.arrayContaining(["resync completed", "initial completed"]));
    expect((await sync()).inStep).toBe(true);
  });
});

describe("an enumeration whose cycle's history has run out", () => {
  const { users } = definition;
  if (users === undefined) throw new Error("the definition has users");
  const withTitle = (title: string): SyncDefinition =>
    SyncDefinition.parse({
      ...definition,
      users: { ...users, columns: { ...users.columns, title: `"${title}"` } },
    });

  /** A changed mapping begins to enumerate; then nobody looks for 30 days. */
  async function forgottenEnumeration(): Promise<void> {
    await initialCycle();
    await applyDefinition(world.ports, withTitle("a"), {});
    const { items } = await listCycles(world.ports, definitionId, { limit: 5 });
    const cycle = items.find(({ kind }) => kind === "resync");
    await container(containers.progress).item(`cycle:${cycle?.id}`, definitionId).delete();
  }

  test("continues as a resync: what is gone is deleted", async () => {
    await forgottenEnumeration();
    await world.call("DELETE", `/users/${cyd}`);
    await world.pump();
    await world.report(await world.takeWork());
    expect(world.present()).toEqual(everything.filter((key) => key !== `user:${cyd}`));
    expect(await latestCycle()).toMatchObject({ kind: "resync", state: "completed" });
    expect((await sync()).inStep).toBe(true);
  });

  test("does not stand in the way of another change of the mapping", async () => {
    await forgottenEnumeration();
    expect(await applyDefinition(world.ports, withTitle("b"), {})).toMatchObject({
      outcome: "replaced",
      record: { value: { resyncDue: false } },
    });
    await world.pump();
    await world.report(await world.takeWork());
    expect(await latestCycle()).toMatchObject({ kind: "resync", state: "completed" });
  });
});

test("cycles that began in the same millisecond are listed once each, on any page", async () => {
  await applyDefinition(world.ports, definition, {});
  const moments = [1, 2, 2, 2, 3].map((second) => `2001-01-01T00:00:0${second}.000Z`);
  for (const [index, startedAt] of moments.entries()) {
    const cycleId = CycleId.parse(`c${index}`);
    const cycle = { definition: definitionId, cycleId, kind: "incremental", startedAt } as const;
    await world.ports.progress.transact(definitionId, [
      { kind: "create", document: newCycle({ ...cycle, streams: { users: "done" } }) },
    ]);
  }
  for (const limit of [1, 2, 3, 10]) {
    const ids: string[] = [];
    for (let continuation: string | null | undefined; continuation !== null;) {
      const page = await listCycles(world.ports, definitionId, { limit, continuation });
      ids.push(...page.items.map(({ id }) => id));
      ({ continuation } = page);
    }
    const old = ids.filter((id) => /^c\d$/.test(id));
    expect([old.at(0), old.at(-1), old.toSorted()]).toEqual([
      "c4",
      "c0",
      ["c0", "c1", "c2", "c3", "c4"],
    ]);
  }
});

describe("the delete breaker", () => {
  const guarded = SyncDefinition.parse({
    ...definition,
    deletes: { windowHours: 24, minimum: 1, maximum: 1, percent: 0 },
  });

  test("holds deletes over the limit, with the memberships that would follow; a release sends all of them", async () => {
    await applyDefinition(world.ports, guarded, {});
    await world.pump();
    await world.report(await world.takeWork());
    await changesAfter(() => world.call("DELETE", `/users/${cyd}`));
    await changesAfter(() => world.call("DELETE", `/users/${ada}`));
    const { items } = await listHolds(world.ports, definitionId, { limit: 10 });
    expect(items.find(({ item }) => item.entity.type === "user")).toMatchObject({
      cause: "delete",
      item: { desired: "absent", entity: { id: ada } },
    });
    expect(world.present()).toEqual(everything.filter((key) => key !== `user:${cyd}`));
    expect((await sync()).heldItems).toBe(items.length);
    const paged: string[] = [];
    for (let continuation: string | null | undefined; continuation !== null;) {
      const page = await listHolds(world.ports, definitionId, { limit: 1, continuation });
      paged.push(...page.items.map(({ id }) => id));
      ({ continuation } = page);
    }
    expect(items.length).toBeGreaterThan(1);
    expect(paged).toEqual(items.map(({ id }) => id));
    // What an abandoned page has left: nothing holds it.
    const [left] = items;
    if (left === undefined) throw new Error("something is held");
    await world.ports.holds.put([{ ...left, id: "left-behind" }]);
    expect((await sync()).heldItems).toBe(items.length);
    await world.ports.holds.remove(definitionId, ["left-behind"]);

    expect(await releaseHolds(world.ports, definitionId, {})).toBe(items.length);
    await world.pump();
    await world.report(await world.takeWork());
    const gone = everything.filter((key) => key.includes(ada) || key.includes(cyd));
    expect(world.present()).toEqual(everything.filter((key) => !gone.includes(key)));
    expect((await sync()).heldItems).toBe(0);
    expect((await sync()).inStep).toBe(true);
  });

  test("a newer change of the entity withdraws its hold", async () => {
    await applyDefinition(world.ports, guarded, {});
    await world.pump();
    await world.report(await world.takeWork());
    await changesAfter(async () => {
      await world.call("PATCH", `/users/${ada}`, { accountEnabled: false });
      await world.call("PATCH", `/users/${ben}`, { accountEnabled: false });
    });
    const { items } = await listHolds(world.ports, definitionId, { limit: 10 });
    expect(items).toHaveLength(1);
    const heldUser = items[0]?.item.entity.id ?? "";
    await changesAfter(() => world.call("PATCH", `/users/${heldUser}`, { accountEnabled: true }));
    expect((await sync()).heldItems).toBe(0);
    expect(world.target.get(`user:${heldUser}`)?.values).toMatchObject({ enabled: true });
  });
});

describe("results", () => {
  test("counted once, however often they are delivered", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.pump();
    const messages = await world.takeWork();
    for (let delivery = 0; delivery < 3; delivery += 1) await world.report(messages);
    expect(await latestCycle()).toMatchObject({ state: "completed", applied: 9, enqueued: 9 });
  });

  test("an item that waits travels again, alone, and then counts", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.pump();
    const messages = await world.takeWork();
    const [first, ...others] = messages;
    if (first === undefined) throw new Error("there is work");
    await world.report(others);
    const retryAt = new Date(Date.now() + 1_000).toISOString();
    const waiting = resultOf([first], "waiting", { retryAt, failure: "dependency" });
    await consumeResults(world.ports, group, [waiting]);
    await consumeResults(world.ports, group, [waiting]);
    expect(await latestCycle()).toMatchObject({ state: "running", waiting: first.items.length });
    await delay(1_300);
    const again = await world.takeWork();
    expect(again).toHaveLength(first.items.length);
    expect(again.flatMap(({ items }) => items)).toEqual(expect.arrayContaining(first.items));
    await world.report(again);
    expect(await latestCycle()).toMatchObject({ state: "completed", applied: 9, waiting: 0 });
  });

  test("of two reports of one message the first counts, and only what counts is sent again or given up", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.pump();
    const messages = await world.takeWork();
    await world.report(messages);
    const retryAt = new Date(Date.now() + 1).toISOString();
    const late = resultOf(messages, "waiting", { retryAt, failure: "dependency" });
    await consumeResults(world.ports, group, [late]);
    await consumeResults(world.ports, group, [resultOf(messages, "dead-lettered")]);
    await delay(1_300);
    expect(await world.takeWork()).toEqual([]);
    expect(await storedLetters()).toEqual([]);
    expect(await latestCycle()).toMatchObject({ state: "completed", applied: 9, deadLettered: 0 });
  });

  test("a queue that accepts nothing holds back neither dead letters nor messages of other queues", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.pump();
    const [first, second, ...others] = await world.takeWork();
    if (first === undefined || second === undefined) throw new Error("there is work");
    await world.report(others);
    const retryAt = new Date(Date.now() + 1).toISOString();
    const waiting = resultOf([first], "waiting", { retryAt, failure: "dependency" });
    const send = (): Promise<void> => Promise.reject(new Error("full"));
    const ports = { ...world.ports, bus: { ...world.ports.bus, send } };
    const batch = [waiting, resultOf([second], "dead-lettered")];
    await expect(consumeResults(ports, group, batch)).rejects.toThrow("full");
    expect(await storedLetters()).toHaveLength(second.items.length);
  });

  test("a batch that ended after its markers is resumed where it was", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.pump();
    const [first, ...others] = await world.takeWork();
    if (first === undefined) throw new Error("there is work");
    await world.report(others);
    const retryAt = new Date(Date.now() + 1).toISOString();
    const waiting = resultOf([first], "waiting", { retryAt, failure: "dependency" });
    const send = (): Promise<void> => Promise.reject(new Error("ends here"));
    const ports = { ...world.ports, bus: { ...world.ports.bus, send } };
    await expect(consumeResults(ports, group, [waiting])).rejects.toThrow("ends here");
    await consumeResults(world.ports, group, [waiting]);
    await delay(1_300);
    await world.report(await world.takeWork());
    expect(await latestCycle()).toMatchObject({ state: "completed", applied: 9, waiting: 0 });
  });

  test("a message that cannot be read is kept for a person and stops nothing", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.pump();
    const messages = await world.takeWork();
    const broken = { ...resultOf(messages, "applied"), body: { results: "none" } };
    await consumeResults(world.ports, group, [broken, resultOf(messages, "applied")]);
    expect(await latestCycle()).toMatchObject({ state: "completed", applied: 9 });
  });
});

describe("an entity that cannot be mapped", () => {
  test("becomes a dead letter that names the column, counts, and does not stop the others", async () => {
    const odd = SyncDefinition.parse({
      ...definition,
      users: { object: "people", key: { id: "id" }, columns: { mail: "mail.lowerAscii()" } },
    });
    await applyDefinition(world.ports, odd, {});
    await world.pump();
    await world.report(await world.takeWork());
    expect(world.present()).toContain(`user:${ada}`);
    expect(world.present()).not.toContain(`user:${cyd}`);
    expect(await latestCycle()).toMatchObject({ state: "completed", deadLettered: 2, applied: 7 });
  });
});

test("an item given up twice, by an agent that ended before it settled the message, is one dead letter", async () => {
  await applyDefinition(world.ports, definition, {});
  await world.pump();
  const [first] = await world.takeWork();
  if (first === undefined) throw new Error("there is work");
  await world.report([first], "dead-lettered");
  // The restarted agent reports it again, at another time.
  await delay(5);
  await world.report([first], "dead-lettered");
  const letters = await storedLetters();
  expect(letters.map(({ itemId }) => itemId).sort()).toEqual(
    first.items.map(({ itemId }) => String(itemId)).sort(),
  );
});

function container(name: string): Container {
  const { endpoint, key } = world.cosmos;
  return new CosmosClient({ endpoint, key }).database(databaseName).container(name);
}

async function storedLetters(): Promise<readonly { readonly itemId: string }[]> {
  const { resources } = await container(containers.deadLetters)
    .items.query<{ itemId: string }>("SELECT * FROM c")
    .fetchAll();
  return resources;
}

describe("entities on demand", () => {
  test("are read under their stream's claim, sent with the job, and reported to it", async () => {
    await initialCycle();
    const progress: JobProgress[] = [];
    world.override({
      jobs: {
        recordProgress: async (_job, seen) => void progress.push(seen),
        recordResult: async () => undefined,
      },
    });
    const jobId = "01JOB" as Parameters<typeof startOnDemand>[1]["jobId"];
    const entities = [
      { type: "user" as const, id: ada },
      { type: "group" as const, id: staff },
      { type: "membership" as const, id: `${staff}/${ben}` },
      { type: "user" as const, id: id(999) },
    ];
    await startOnDemand(world.ports, { jobId, definition: definitionId, entities, verify: true });
    await world.pump();
    const messages = await world.takeWork();
    expect(messages.map((message) => message.jobId)).toEqual(messages.map(() => jobId));
    expect(messages.map(({ verify }) => verify)).toEqual(messages.map(() => true));
    const items = messages.flatMap((message) => message.items);
    expect(items.map(({ entity }) => entity.id).sort()).toEqual(
      [ada, staff, `${staff}/${ben}`].sort(),
    );
    await world.report(messages);
    expect(progress.at(-1)).toEqual({
      expectedItems: 3,
      outcomes: { applied: 3 },
      complete: true,
    });
  });
});
