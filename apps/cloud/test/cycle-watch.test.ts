import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AgentView, type CycleId, type CycleView, SyncDefinition } from "@postern/contracts";
import { cycleIdAt } from "../src/cycles/cycle-id";
import { watchCycles } from "../src/sync/watch/cycle-watch";
import { resultsIdleMs } from "../src/sync/watch/cycle-watch-decision";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { listCycles, viewCycle } from "../src/cycles/cycle-views";
import { releaseHolds } from "../src/sync/holds/held-items";
import type { Logger } from "@postern/runtime";
import type { OutgoingMessage } from "../src/ports/message-bus";
import { startCycle } from "../src/sync/streams/start-cycle";
import { definition, definitionId, startWorld, type World } from "./world";

const [ada, ben] = ["1", "2"].map((end) => `00000000-0000-4000-8000-00000000000${end}`) as [
  string,
  string,
];
const seed = {
  users: [
    { id: ada, displayName: "Ada", accountEnabled: true },
    { id: ben, displayName: "Ben", accountEnabled: true },
  ],
  groups: [],
};
const MINUTE_MS = 60_000;

let world: World;
let events: { event: string; fields: Record<string, unknown> }[] = [];
let startMs = 0;
beforeEach(async () => {
  world = await startWorld(seed);
  events = [];
  startMs = Date.now();
  const note = (event: string, fields: object = {}): void =>
    void events.push({ event, fields: { ...fields } });
  const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
  world.override({ logger });
});
afterEach(() => world.close());

/** Runs the watch as if this many minutes had passed; returns the number of streams it restarts. */
function watchAfter(minutes: number, more: Partial<World["ports"]> = {}): Promise<number> {
  const clock = { now: () => startMs + minutes * MINUTE_MS };
  return watchCycles({ ...world.ports, ...more, clock });
}

async function latest(): Promise<CycleView> {
  const { items } = await listCycles(world.ports, definitionId, { limit: 5 });
  const [newest] = items;
  if (newest === undefined) throw new Error("there is a cycle");
  return newest;
}

const stallEvents = (): string[] =>
  events.flatMap(({ event }) => (/^cycle\.(stalled|restarted|resumed)/.test(event) ? [event] : []));

describe("a cycle whose start messages are lost", () => {
  test("is marked, restarted from its checkpoints, and unmarked when it moves", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.takeStarts();
    expect(await watchAfter(1)).toBe(0);
    expect(await latest()).toMatchObject({ state: "running", stall: null });

    expect(await watchAfter(3)).toBe(2);
    expect(await latest()).toMatchObject({
      state: "stalled",
      stall: {
        ...{ reason: "continuation-lost", action: "restarted", restarts: 1 },
        ...{ streams: ["users", "groups"], waitsFor: null },
      },
    });
    expect(stallEvents()).toEqual(["cycle.stalled", "cycle.restarted"]);
    // The same minute at another instance: said once, asked once.
    expect(await watchAfter(3)).toBe(0);

    await world.pump();
    const messages = await world.takeWork();
    expect(world.present()).toEqual([`user:${ada}`, `user:${ben}`]);
    expect(await latest()).toMatchObject({ state: "running", stall: null });
    await watchAfter(4);
    expect(stallEvents()).toEqual(["cycle.stalled", "cycle.restarted", "cycle.resumed"]);
    await world.report(messages);
    expect(await latest()).toMatchObject({ state: "completed", stall: null });
  });

  test("is restarted under another message id when that message is lost too", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.takeStarts();
    const sent: OutgoingMessage[] = [];
    const bus = {
      send: async (queue: string, messages: readonly OutgoingMessage[]) => {
        sent.push(...messages);
        await world.ports.bus.send(queue, messages);
      },
    };
    for (const minutes of [3, 4, 5]) await watchAfter(minutes, { bus });
    expect(sent).toHaveLength(4);
    expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(4);
    expect(await latest()).toMatchObject({ state: "stalled", stall: { restarts: 2 } });
    expect(stallEvents()).toEqual(["cycle.stalled", "cycle.restarted", "cycle.restarted"]);
    await world.pump();
    await world.takeWork();
    expect(world.present()).toHaveLength(2);
  });

  test("that a caller requested still begins, and ends", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.pump();
    await world.report(await world.takeWork());
    const started = await startCycle(world.ports, definitionId);
    await world.takeStarts();
    expect(await watchAfter(3)).toBe(2);
    expect(await latest()).toMatchObject({ state: "stalled", stall: { reason: "start-lost" } });
    await world.pump();
    const { cycleId } = started ?? {};
    if (cycleId === undefined) throw new Error("it was started");
    expect(await viewCycle(world.ports, definitionId, cycleId)).toMatchObject({
      state: "completed",
      stall: null,
    });
  });

  test("is not restarted while its definition is disabled, and says so", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.takeStarts();
    await applyDefinition(world.ports, { ...definition, enabled: false }, {});
    expect(await watchAfter(3)).toBe(0);
    const { stall } = await latest();
    expect(stall).toMatchObject({ reason: "definition-disabled", action: "none", restarts: 0 });
  });
});

describe("a cycle whose results are missing", () => {
  async function agents(state: "reachable" | "unreachable", reason?: string) {
    const at = new Date(startMs + 30 * MINUTE_MS).toISOString();
    const target = { name: "db", connector: "sql", state, probedAt: at };
    const view = AgentView.parse({
      ...{ id: "vm-1", group: "main", branch: "test", host: "vm-1", version: "1.0.0" },
      ...{ capabilities: [], startedAt: at, registeredAt: at, lastSeenAt: at, online: true },
      ...{ state: "running", itemsFinished: 0, lanesHeld: 0, jobs: [] },
      targets: [{ ...target, ...(reason === undefined ? {} : { reason }) }],
    });
    const { online: _online, ...record } = view;
    const identity = { oid: "o", azp: "a" };
    const items = [{ ...record, type: "agent" as const, identity }];
    return { agents: { list: async () => ({ items, next: null }) } };
  }

  test("says how many, in which queue, and which agents are online; sends nothing again, and closes at the end", async () => {
    await applyDefinition(world.ports, definition, {});
    await world.pump();
    const messages = await world.takeWork();
    await watchAfter(resultsIdleMs / MINUTE_MS - 1);
    expect((await latest()).stall).toBeNull();

    expect(await watchAfter(30)).toBe(0);
    const alone = await latest();
    expect(alone).toMatchObject({
      ...{ state: "stalled", pending: 2 },
      stall: {
        ...{ reason: "results-missing", action: "waiting", restarts: 0 },
        waitsFor: { items: 2, target: "db", queue: "sync-main-db", agentsOnline: 0 },
      },
    });
    expect(alone.stall?.detail).toContain("No agent of the group is online");

    await watchAfter(30, await agents("unreachable", "the login is refused"));
    expect((await latest()).stall?.detail).toContain("vm-1: the login is refused");
    await watchAfter(30, await agents("reachable"));
    expect((await latest()).stall?.waitsFor).toMatchObject({ agentsOnline: 1, agentsReaching: 1 });
    expect(stallEvents()).toEqual(["cycle.stalled"]);
    expect(await world.takeWork()).toEqual([]);

    await world.report(messages);
    expect(await latest()).toMatchObject({ state: "completed", stall: null, applied: 2 });
    const open = (): Promise<readonly unknown[]> =>
      world.ports.progress.openCycles(definitionId, { limit: 10 });
    await watchAfter(2);
    expect(await open()).toHaveLength(1);
    await watchAfter(200);
    expect(await open()).toHaveLength(0);
    expect(await latest()).toMatchObject({ state: "completed" });
  });
});

test("an old stalled cycle is found behind 150 newer ones, and the complete ones among them are closed", async () => {
  await applyDefinition(world.ports, definition, {});
  await world.pump();
  await world.report(await world.takeWork());
  const { progress } = world.ports;
  const put = (number: number, stream: "running" | "done"): Promise<unknown> => {
    const cycleId = cycleIdAt(startMs + number);
    const document = {
      ...({ id: `cycle:${cycleId}`, type: "cycle", definition: definitionId, cycleId } as const),
      ...({ kind: "incremental", startedAt: new Date(startMs + number).toISOString() } as const),
      streams: { users: stream },
    };
    return progress.transact(definitionId, [{ kind: "create", document }]);
  };
  // Older than all others, the initial cycle among them.
  await put(-60_000, "running");
  for (let number = 1; number < 150; number += 1) await put(number, "done");
  const idsOf = async (after?: CycleId): Promise<CycleId[]> =>
    (await progress.openCycles(definitionId, { limit: 100, after })).map(
      ({ value }) => value.cycleId,
    );
  const first = await idsOf();
  expect(new Set([...first, ...(await idsOf(first.at(-1)))]).size).toBe(151);

  expect(await watchAfter(10)).toBe(1);
  expect(await idsOf()).toEqual([cycleIdAt(startMs - 60_000)]);
  const stands = await viewCycle(world.ports, definitionId, cycleIdAt(startMs - 60_000));
  expect(stands).toMatchObject({ state: "stalled", stall: { reason: "start-lost", restarts: 1 } });
});

test("a change alone costs one read of history until its cycle is closed, and none while that is young", async () => {
  await applyDefinition(world.ports, definition, {});
  await world.pump();
  await world.report(await world.takeWork());
  await watchAfter(10);
  await world.call("PATCH", `/users/${ada}`, { displayName: "Ada L." });
  await world.tickAndPump();
  await world.report(await world.takeWork());

  const asked: number[] = [];
  for (let minute = 1; minute <= 10; minute += 1) {
    const { progress } = world.ports;
    const history: typeof progress.history = (...of) => {
      asked.push(minute);
      return progress.history(...of);
    };
    await watchAfter(minute, { progress: { ...progress, history } });
  }
  expect(asked).toEqual([6]);
  expect(await world.ports.progress.openCycles(definitionId, { limit: 10 })).toEqual([]);
});

test("releasing held items reopens a closed cycle", async () => {
  const deletes = { windowHours: 24, minimum: 0, maximum: 0, percent: 0 };
  await applyDefinition(world.ports, SyncDefinition.parse({ ...definition, deletes }), {});
  await world.pump();
  await world.report(await world.takeWork());
  await world.call("DELETE", `/users/${ada}`);
  await world.tickAndPump();
  const { id } = await latest();
  await watchAfter(200);
  const openIds = async (): Promise<string[]> => {
    const open = await world.ports.progress.openCycles(definitionId, { limit: 10 });
    return open.map(({ value }) => value.cycleId);
  };
  expect(await openIds()).toEqual([]);

  expect(await releaseHolds(world.ports, definitionId, {})).toBe(1);
  expect(await openIds()).toEqual([id, expect.stringMatching(/^j-release-/)]);
  await watchAfter(200);
  const opened = () => viewCycle(world.ports, definitionId, id);
  expect(await opened()).toMatchObject({ state: "stalled", stall: { reason: "results-missing" } });
  await world.pump();
  await world.report(await world.takeWork());
  expect(await opened()).toMatchObject({ state: "completed", stall: null });
});
